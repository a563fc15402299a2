// Before anything is painted: light or dark as chosen here; without a choice as the system has it.
try {
  const chosen = localStorage.getItem("sandbox-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // No storage: the system decides.
}
