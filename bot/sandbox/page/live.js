// What happens, as it happens: server-sent events; where they do not get through, long polling.

const FIRST_WAIT = 250;
const LONGEST_WAIT = 3000;
const PATIENCE = 3;
// Seconds a poll is held, and polls until the stream is tried again.
const HELD = 5;
const ROUNDS = 20;

/**
 * `onEvent` gets each event; `hello` means: all may have changed, read it anew. `onState` is told whether the
 * sandbox is there. `hold(seconds)` is the fallback: it resolves when there may be something new, and throws
 * while the sandbox is away.
 */
export function listen({ onEvent, onState, hold }) {
  let failures = 0;

  function connect() {
    const source = new EventSource("/events");
    source.onmessage = ({ data }) => {
      failures = 0;
      onState(true);
      onEvent(JSON.parse(data));
    };
    source.onerror = () => {
      source.close();
      failures += 1;
      if (failures === 1) onState(false);
      if (failures >= PATIENCE) poll();
      else setTimeout(connect, FIRST_WAIT * 2 ** failures);
    };
  }

  // The stream does not come. Either nothing does, or something between keeps streams back.
  async function poll() {
    let wait = FIRST_WAIT;
    for (let round = 0; round < ROUNDS; round += 1) {
      try {
        await hold(round ? HELD : 0);
      } catch {
        round = -1;
        wait = Math.min(wait * 2, LONGEST_WAIT);
        await new Promise((resolve) => setTimeout(resolve, wait));
        continue;
      }
      // It was away and is back: so may be the stream.
      if (wait > FIRST_WAIT) break;
      onState(true);
      await onEvent({ kind: "hello" });
    }
    connect();
  }

  connect();
}
