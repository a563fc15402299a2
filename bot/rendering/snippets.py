"""Snippets: what to write into a program so that it sends here. docs/senders.md shows the same."""

from collections.abc import Mapping

import msgspec

from djangobot.db.credentials import gotify_token

PLACEHOLDER = "BOT_TOKEN"
"""Stands for a token whose value is not known any more."""


class Program(msgspec.Struct, frozen=True):
    """A program that can send. `where` is the place in it, in its own words. `{url}` is our address, `{host}`
    the same without its scheme, `{token}` the bot token, `{gotify}` its form for Gotify. `signed`: it signs
    what it sends."""

    key: str
    name: str
    where: str
    snippet: str
    signed: bool = False


ALERTMANAGER = """\
receivers:
  - name: telegram
    webhook_configs:
      - url: {url}/api/hook
        send_resolved: true
        http_config:
          authorization:
            credentials: {token}"""
GRAFANA = """\
Integration: Webhook
URL: {url}/api/hook
Authorization Header - Scheme: Bearer
Authorization Header - Credentials: {token}"""
UPTIME_KUMA = """\
Notification Type: Webhook
Post URL: {url}/api/hook
Request Body: Preset - application/json
Additional Headers: {{"Authorization": "Bearer {token}"}}"""
HEALTHCHECKS = """\
URL: {url}/api/hook
Method: POST
Request Body: $JSON
Request Headers: Content-Type: application/json
Authorization: Bearer {token}"""
GITHUB = """\
Payload URL: {url}/api/hook/{token}
Content type: application/json"""
GITLAB = """\
URL: {url}/api/hook
Custom header: X-Bot-Token = {token}"""
GITEA = """\
Target URL: {url}/api/hook
HTTP Method: POST
POST Content Type: application/json
Authorization Header: Bearer {token}"""
SENTRY = """\
Webhook URL: {url}/api/hook/{token}
Alert Rule Action: on"""
PROXMOX = """\
pvesh create /cluster/notifications/endpoints/gotify \\
  --name telegram --server {url} --token {gotify}
pvesh create /cluster/notifications/matchers \\
  --name telegram --target telegram"""
ARR = """\
Connection: Webhook
URL: {url}/api/hook
Method: POST
Headers: X-Bot-Token = {token}"""
HOME_ASSISTANT = """\
notify:
  - name: telegram
    platform: rest
    resource: {url}/api/hook
    method: POST_JSON
    headers:
      Authorization: Bearer {token}
    title_param_name: title"""
WATCHTOWER = """\
WATCHTOWER_NOTIFICATION_URL=gotify://{host}/{gotify}?priority=5{shoutrrr}"""
APPRISE = """\
apprise -t "Title" -b "Text" \\
  "{json}://{host}/api/hook?+X-Bot-Token={token}" """.rstrip()
SYSTEMD = """\
[Unit]
Description=Tells Telegram that %i has failed

[Service]
Type=oneshot
ExecStart=/usr/bin/curl -sS -H "X-Bot-Token: {token}" \\
  --data-binary "🔴 %i has failed on %H" {url}/api/hook"""
CRON = '0 3 * * * backup.sh || curl -sS -H "X-Bot-Token: {token}" -d "🔴 backup.sh has failed" {url}/api/hook'

SENDERS = (
    Program("alertmanager", "Alertmanager", "alertmanager.yml", ALERTMANAGER),
    Program("grafana", "Grafana", "Alerting → Contact points → Add contact point", GRAFANA, signed=True),
    Program("uptime-kuma", "Uptime Kuma", "Settings → Notifications → Setup Notification", UPTIME_KUMA),
    Program("healthchecks", "Healthchecks", "Integrations → Webhook, for down and for up", HEALTHCHECKS),
    Program("github", "GitHub", "Settings → Webhooks → Add webhook", GITHUB, signed=True),
    Program("gitlab", "GitLab", "Settings → Webhooks → Add new webhook", GITLAB, signed=True),
    Program("gitea", "Gitea, Forgejo", "Settings → Webhooks → Add Webhook", GITEA, signed=True),
    Program("sentry", "Sentry", "Settings → Custom Integrations → Internal Integration", SENTRY, signed=True),
    Program("proxmox", "Proxmox", "a shell on a node", PROXMOX),
    Program("arr", "Sonarr, Radarr", "Settings → Connect → +", ARR),
    Program("home-assistant", "Home Assistant", "configuration.yaml", HOME_ASSISTANT),
    Program("watchtower", "Watchtower", "the environment of its container", WATCHTOWER),
    Program("apprise", "Apprise", "a shell, or any program with Apprise", APPRISE),
    Program(
        "systemd",
        "systemd",
        "/etc/systemd/system/telegram@.service, and OnFailure=telegram@%n in the unit that is watched",
        SYSTEMD,
    ),
    Program("cron", "cron", "crontab -e", CRON),
)
BY_KEY: Mapping[str, Program] = {sender.key: sender for sender in SENDERS}


def snippet(sender: Program, address: str, token: str | None) -> str:
    """What to write into the program. Without a token, PLACEHOLDER stands for it."""
    scheme, _, host = address.partition("://")
    return sender.snippet.format(
        url=address,
        host=host,
        token=token or PLACEHOLDER,
        gotify=gotify_token(token) if token else PLACEHOLDER,
        json="jsons" if scheme == "https" else "json",
        shoutrrr="" if scheme == "https" else "&disabletls=yes",
    )
