"""The table of the methods of Telegram that the sandbox knows, and who may call each."""

from collections.abc import Awaitable, Callable
from typing import Any

from djangobot.bot.sandbox.api import auth, bots, config, contacts, updates, users
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.files import download, upload
from djangobot.bot.sandbox.api.messages import (
    actions,
    albums,
    callbacks,
    dialogs,
    edits,
    history,
    messages,
    reactions,
)

Handler = Callable[[Call], Any | Awaitable[Any]]

ANYONE: dict[str, Handler] = {
    "auth.exportAuthorization": auth.export_authorization,
    "auth.importAuthorization": auth.import_authorization,
    "auth.importBotAuthorization": auth.import_bot_authorization,
    "auth.logOut": auth.log_out,
    "auth.resendCode": auth.send_code,
    "auth.sendCode": auth.send_code,
    "auth.signIn": auth.sign_in,
    "auth.signUp": auth.sign_up,
    "help.getAppConfig": config.get_app_config,
    "help.getCdnConfig": config.get_cdn_config,
    "help.getConfig": config.get_config,
    "help.getNearestDc": config.get_nearest_dc,
}

SIGNED_IN: dict[str, Handler] = {
    "account.getNotifySettings": users.get_notify_settings,
    "account.getPassword": auth.get_password,
    "account.updateStatus": users.update_status,
    "contacts.resolveUsername": contacts.resolve_username,
    "help.getTermsOfServiceUpdate": config.get_terms_of_service_update,
    "messages.deleteMessages": edits.delete_messages,
    "messages.editMessage": edits.edit_message,
    "messages.forwardMessages": messages.forward_messages,
    "messages.getMessages": history.get_messages,
    "messages.receivedMessages": history.received_messages,
    "messages.sendMedia": messages.send_media,
    "messages.sendMessage": messages.send_message,
    "messages.sendMultiMedia": albums.send_multi_media,
    "messages.sendReaction": reactions.send_reaction,
    "messages.setTyping": actions.set_typing,
    "messages.unpinAllMessages": reactions.unpin_all_messages,
    "messages.updatePinnedMessage": reactions.update_pinned_message,
    "messages.uploadMedia": albums.upload_media,
    "updates.getDifference": updates.get_difference,
    "updates.getState": updates.get_state,
    "upload.getFile": download.get_file,
    "upload.getFileHashes": download.get_file_hashes,
    "upload.saveBigFilePart": upload.save_big_file_part,
    "upload.saveFilePart": upload.save_file_part,
    "users.getFullUser": users.get_full_user,
    "users.getUsers": users.get_users,
}

BOTS: dict[str, Handler] = {
    "bots.getBotCommands": bots.get_bot_commands,
    "bots.getBotInfo": bots.get_bot_info,
    "bots.getBotMenuButton": bots.get_bot_menu_button,
    "bots.resetBotCommands": bots.reset_bot_commands,
    "bots.setBotCommands": bots.set_bot_commands,
    "bots.setBotInfo": bots.set_bot_info,
    "bots.setBotMenuButton": bots.set_bot_menu_button,
    "messages.setBotCallbackAnswer": callbacks.set_bot_callback_answer,
}

PEOPLE: dict[str, Handler] = {
    "contacts.block": contacts.block,
    "contacts.getContacts": contacts.get_contacts,
    "contacts.unblock": contacts.unblock,
    "messages.getBotCallbackAnswer": callbacks.get_bot_callback_answer,
    "messages.getDialogFilters": dialogs.get_dialog_filters,
    "messages.getDialogs": dialogs.get_dialogs,
    "messages.getHistory": history.get_history,
    "messages.getPeerDialogs": dialogs.get_peer_dialogs,
    "messages.getPinnedDialogs": dialogs.get_pinned_dialogs,
    "messages.readHistory": history.read_history,
    "messages.search": history.search,
    "messages.startBot": messages.start_bot,
}


def handler_of(call: Call) -> Handler:
    """The handler of a call; RpcError when the caller may not make it."""
    name = call.method
    if handler := ANYONE.get(name):
        return handler
    if call.me is None:
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")
    if handler := SIGNED_IN.get(name):
        return handler
    if handler := BOTS.get(name):
        if not call.me.bot:
            raise RpcError(400, "USER_BOT_REQUIRED")
        return handler
    if handler := PEOPLE.get(name):
        if call.me.bot:
            raise RpcError(400, "BOT_METHOD_INVALID")
        return handler
    raise RpcError(400, "METHOD_INVALID")
