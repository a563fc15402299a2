"""What clients ask about the servers. There is one data centre."""

import time

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call
from djangobot.bot.sandbox.api.text import MAX_CAPTION, MAX_TEXT
from djangobot.bot.sandbox.mtproto.schema import TL

DATA_CENTRES = range(1, 6)
# The real server's usual answers to help.getConfig; clients here need none of them to be exact.
_USUAL: TL = {
    "dc_txt_domain_name": "",
    "chat_size_max": 200,
    "megagroup_size_max": 200000,
    "forwarded_count_max": 100,
    "online_update_period_ms": 210000,
    "offline_blur_timeout_ms": 5000,
    "offline_idle_timeout_ms": 30000,
    "online_cloud_timeout_ms": 300000,
    "notify_cloud_delay_ms": 30000,
    "notify_default_delay_ms": 1500,
    "push_chat_period_ms": 60000,
    "push_chat_limit": 2,
    "edit_time_limit": 172800,
    "revoke_time_limit": 2147483647,
    "revoke_pm_time_limit": 2147483647,
    "rating_e_decay": 2419200,
    "stickers_recent_limit": 200,
    "channels_read_media_period": 604800,
    "call_receive_timeout_ms": 20000,
    "call_ring_timeout_ms": 90000,
    "call_connect_timeout_ms": 30000,
    "call_packet_timeout_ms": 10000,
    "me_url_prefix": "https://t.me/",
    "caption_length_max": MAX_CAPTION,
    "message_length_max": MAX_TEXT,
}


def get_config(call: Call) -> TL:
    """The configuration: every data centre is this server. It is the one that the client wanted to reach."""
    host, port = call.server.address
    now = int(time.time())
    return {
        "_": "config",
        "date": now,
        "expires": now + 3600,
        "test_mode": False,
        "this_dc": _asked_dc(call),
        "dc_options": [
            {"_": "dcOption", "id": number, "ip_address": host, "port": port, "static": True}
            for number in DATA_CENTRES
        ],
        **_USUAL,
        "webfile_dc_id": render.DC,
    }


def get_app_config(call: Call) -> TL:
    """An empty one."""
    return {"_": "help.appConfig", "hash": 0, "config": {"_": "jsonObject", "value": []}}


def get_cdn_config(call: Call) -> TL:
    """No CDN."""
    return {"_": "cdnConfig", "public_keys": []}


def get_nearest_dc(call: Call) -> TL:
    """This one."""
    dc = _asked_dc(call)
    return {"_": "nearestDc", "country": "XX", "this_dc": dc, "nearest_dc": dc}


def get_terms_of_service_update(call: Call) -> TL:
    """The terms never change; a day is until the client asks again."""
    return {"_": "help.termsOfServiceUpdateEmpty", "expires": int(time.time()) + 86_400}


def _asked_dc(call: Call) -> int:
    """TDLib asks again and again while this is not the one it began with. Test servers are above 10 000."""
    asked = abs(call.session.key.dc) % 10_000
    return asked if asked in DATA_CENTRES else render.DC
