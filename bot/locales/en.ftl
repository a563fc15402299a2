## code

start =
    <b>Hello, { $name }!</b>
    I bring you messages from programs: scripts, CI, monitoring. You choose which of them may write.
start-help = /help shows what else I can do.

code =
    Your code, tap to copy:
    <code>{ $code }</code>

    It works once, for { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }. Give it to whoever runs the program: it is exchanged for a bot token, and the program can write to you.
code-name = The token will be named <b>{ $name }</b>.
code-call-button = Show the curl call
code-call =
    This call exchanges your code for a bot token, tap to copy:
    <pre>{ $call }</pre>

    ACCESS_TOKEN is the account’s, from <code>POST /api/auth/</code>. All calls: { $docs }

    The code works once, for { $minutes ->
        [one] { $minutes } more minute
       *[other] { $minutes } more minutes
    }.
code-used = This code was used: <b>{ $who }</b> can now write to you. /tokens
code-used-by-nobody = This code was used. /tokens shows who can write to you.
code-replaced = This code no longer works: there is a newer one.
code-expired = This code has expired. /code gives you a new one.
code-dead = This code no longer works. /code gives you a new one.
token-name-wrong = A token’s name is one line of 1 to 64 characters that can be seen. Please try another.

back = ‹ Back

## own tokens

own-button = For my own program
own-ask = What is your program called? Its messages will carry this name. /cancel ends this.
own-too-many = That is a lot of tokens: at most { $most } a day. /tokens shows them; revoked ones make room tomorrow.
own-hello = Hello!
own-made =
    <b>{ $name }</b> can now write to you. Its token, tap to see:
    <spoiler>{ $value }</spoiler>

    The call that sends the first message, tap to see and copy it:
    <spoiler>{ $call }</spoiler>

    For a program that speaks Gotify, the same token is:
    <spoiler>{ $gotify }</spoiler>

    All this is shown once and disappears in a minute. /tokens: pause, limit, revoke.

## tokens

linked =
    <b>{ $who }</b> can now write to you here (token <code>{ $prefix }…</code>).
    If that was not you, revoke it.
network-new =
    <b>{ $who }</b> was used from a new network: <code>{ $network }</code> (token <code>{ $prefix }…</code>).
    If that was not you or your program, revoke it.
network-last = It is used from many networks by now, so I won’t tell you of further ones.

renamed = <b>{ $before }</b> is now called <b>{ $who }</b>. If you don’t know them under this name, revoke their token: /tokens
account-removed = <b>{ $account }</b> has removed their account and can no longer write to you.
owner-revoked = <b>{ $account }</b> has ended all its tokens: its programs can no longer write to you. To let them in again, give them a new code: /code

tokens-title =
    { $count ->
        [one] <b>{ $count } token</b> can write to you.
       *[other] <b>{ $count } tokens</b> can write to you.
    } Tap to see or change.
tokens-none = No program can write to you yet. /code gives you a code to let one in.
tokens-all = ‹ All tokens
tokens-revoke = Revoke { $who }
tokens-revoked = Revoked: { $who } can no longer write to you.
tokens-gone = This token is not yours, or it is gone.

token-card =
    <b>{ $name }</b>
    Account: { $account }
    Token: <code>{ $prefix }…</code>
    Created: { $created }
    Last used: { $used }
token-card-own =
    <b>{ $name }</b>
    For your own program, made here
    Token: <code>{ $prefix }…</code>
    Created: { $created }
    Last used: { $used }
token-week = Messages in 7 days: { $count }{ $files ->
        [0] {""}
        [one] {""}, with { $files } file
       *[other] {""}, with { $files } files
    }
token-is-paused = Paused: nothing is sent with it.
token-is-limited = { $count ->
        [one] Limit: { $count } message a minute
       *[other] Limit: { $count } messages a minute
    }
token-expires = Expires: { $day }
token-not-urgent = Urgent messages: like all others
token-expired = <b>{ $who }</b>: this token has expired and can no longer write to you.
token-revoked = <b>{ $who }</b> (token <code>{ $prefix }…</code>) is revoked and can no longer write to you.
token-over = This token no longer works; nothing was changed.

token-rename = Rename
token-pause = Pause
token-resume = Resume
token-limit = Limit
token-expiry = Expiry
token-rotate = New value
token-urgent-refuse = Refuse urgent
token-urgent-allow = Allow urgent
token-revoke = Revoke
token-senders = How to send
token-secret = Signatures
token-undo = Undo (10 seconds)
token-hide = Hide it now

token-name-ask = What should <b>{ $who }</b> be called? Write the new name, or /cancel to keep the old one.
token-paused = Paused.
token-resumed = It may send again.
token-limit-ask = How many messages a minute may <b>{ $who }</b> send?
token-limit-choice = { $count ->
        [0] No limit
       *[other] { $count } a minute
    }
token-limit-set = The limit is set.
token-expiry-ask = How long may <b>{ $who }</b> write to you, from now on?
token-expiry-choice = { $count ->
        [0] Forever
        [365] 1 year
        [one] { $count } day
       *[other] { $count } days
    }
token-expiry-set = The expiry is set.
token-urgent-refused = Its urgent messages are like all others now.
token-urgent-allowed = Its urgent messages may come first.
token-rotate-ask = Give <b>{ $who }</b> a new value? The one it uses now stops working at once.
token-rotate-sure = Yes, a new value
token-rotated =
    <b>{ $who }</b> has a new value, tap to see it:
    <spoiler>{ $value }</spoiler>
    For a program that speaks Gotify: <spoiler>{ $gotify }</spoiler>

    It is shown this once and disappears in a minute. The old value no longer works.
senders-title = Which program will send with <b>{ $who }</b>?
senders-others = Other programs
sender-filled =
    <b>{ $name }</b>, in: <code>{ $where }</code>
    <spoiler>{ $snippet }</spoiler>

    { $signed ->
        [yes] What it sends is signed, too, if you set the same secret there and on the token’s card: Signatures.
       *[no] Tap to see and copy it.
    } It disappears in a minute.
sender-unfilled =
    <b>{ $name }</b>, in: <code>{ $where }</code>
    <code>{ $snippet }</code>

    { $signed ->
        [yes] What it sends is signed, too, if you set the same secret there and on the token’s card: Signatures.
       *[no] The token itself is not kept here.
    } Put yours in place of <code>BOT_TOKEN</code>, or make a new value: then I fill it in.

secret-none = <b>{ $who }</b>: no secret is set, so signatures are not checked. With a secret, what GitHub, GitLab, Gitea, Grafana or Sentry send is taken only if it is signed with it. Other programs sign nothing and write to you as before.
secret-title = <b>{ $who }</b>: a secret is set. What GitHub, GitLab, Gitea, Grafana or Sentry send is taken only if it is signed with it.
secret-refused = { $count ->
        [one] { $count } wrong signature was refused
       *[other] { $count } wrong signatures were refused
    }, the latest: { $age }
secret-make = Make a secret
secret-another = Make another secret
secret-own = I have one
secret-remove = Remove the secret
secret-removed = Removed: signatures are not checked any more.
secret-made =
    The secret of <b>{ $who }</b>, tap to see it:
    <spoiler>{ $secret }</spoiler>

    Write it into the program as its secret. It is shown this once and disappears in a minute.
secret-made-before = This was done before: the secret has already been changed.
secret-ask = Write the secret with which <b>{ $who }</b> signs: 8 to 200 characters without spaces. /cancel ends this.
secret-wrong = A secret is 8 to 200 Latin letters, digits and signs without spaces. Please try another.
secret-stored = Stored. Now delete your message, so that nobody reads the secret in it.

token-rotated-before = This was done before: the value has already been changed.
token-revoke-ask = Revoke <b>{ $who }</b>? It can’t write to you any more, and what it has waiting is not sent.
token-revoke-sure = Yes, revoke
token-undone = Undone: it can write to you as before.
token-undo-late = Too late: it is revoked. A new /code lets the program in again.

age-never = never
age-now = just now
age-minutes = { $count ->
        [one] { $count } minute ago
       *[other] { $count } minutes ago
    }
age-hours = { $count ->
        [one] { $count } hour ago
       *[other] { $count } hours ago
    }
age-days = { $count ->
        [one] { $count } day ago
       *[other] { $count } days ago
    }

## scheduled

scheduled-title = <b>Messages to come</b>, the next one first (times in { $zone })
scheduled-head = <b>{ $number }. { $sender }</b> · { $time }
scheduled-none = No messages are scheduled for you.
scheduled-cancel = { $number }: cancel
scheduled-now = { $number }: send now
scheduled-canceled = Canceled.
scheduled-sent = It comes in a moment.
scheduled-gone = This message is not scheduled any more.
scheduled-earlier = ‹ Earlier
scheduled-later = Later ›

## history

history-title = <b>Messages to you</b>, newest first (times in { $zone })
history-head =
    <b>{ $sender }</b> · { $time }{ $status ->
        [sent] {""}
        [held] {""} · kept, not shown
        [scheduled] {""} · comes { $when }
        [deleted] {""} · deleted by its sender
        [failed] {""} · not delivered
        [expired] {""} · expired
        [canceled] {""} · canceled
        [uncertain] {""} · delivery unclear
       *[other] {""} · on its way
    }
history-none = No messages yet. /code gives you a code to let a program write to you.
history-nothing = Nothing here: choose another sender or day below.
history-full = In full: { $which }
history-files = Files: { $which }
history-gone = This message is not here any more.
history-older = Older ›
history-newer = ‹ Newer
history-newest = « Newest
history-all-senders = All senders
history-any-day = Any day
history-choose-sender = <b>Whose messages?</b>
history-choose-day = <b>Messages of which day?</b>
history-any-tag = Any tag
history-choose-tag = <b>Messages with which tag?</b>
history-no-tag = No message has this tag. The words after /history are one tag: <code>/history #backup</code>
history-tag-gone = The messages with this tag are not here any more.
history-more = More ›
history-back = ‹ Back
history-earlier = Earlier ›

## search

search-found = <b>Found for “{ $words }”</b>, newest first (times in { $zone })
search-none = Nothing found for “{ $words }”. All the words must be in one message, in any form.
search-what = What are you looking for in your messages? Write one word or several.
search-old = This search is too old to page through. /search starts a new one.
search-late = The newest messages are still being indexed and may be missing; try again in a minute.

## export

export-choose =
    { $count ->
        [one] <b>{ $count } message</b>
       *[other] <b>{ $count } messages</b>
    } as a file. CSV opens in a spreadsheet; JSON Lines is for programs.
export-csv = CSV
export-jsonl = JSON Lines
export-under-way = Writing the file… { $percent } %
export-done =
    Done: { $count ->
        [one] <b>{ $count } message</b>
       *[other] <b>{ $count } messages</b>
    }{ $files ->
        [one] {""}
       *[other] {""} in { $files } files
    }. /export writes a new one.
export-file = { $since } – { $until } (UTC)

## stats

stats-title = Messages, last { $days } days
stats-total = { $since } – { $until } · { $count } in all
stats-by-day = By day
stats-by-sender = By sender
stats-others = Others
stats-caption =
    { $count ->
        [one] <b>{ $count } message</b>
       *[other] <b>{ $count } messages</b>
    }{ $files ->
        [0] {""}
        [one] {""} with { $files } file
       *[other] {""} with { $files } files
    } in the last { $days } days, most on { $day } ({ $most }), most from { $who } ({ $share } %).
stats-none = No messages in the last { $days } days. /history shows earlier ones.
stats-dark = Dark
stats-light = Light
stats-failed = The picture could not be drawn just now. Please try again later.

## quiet

digest-title =
    { $count ->
        [one] <b>While it was quiet: { $count } message</b>
       *[other] <b>While it was quiet: { $count } messages</b>
    }
digest-sender = <b>{ $who }</b> ({ $count })
digest-gone = A revoked token
digest-more = …and { $count } more
digest-others =
    { $count ->
        [one] …and { $count } message from others
       *[other] …and { $count } messages from others
    }
digest-history = Open the history

mute-title = <b>Whose messages should be held back?</b> They stay in the history, and you get a summary afterwards. 🔕 means muted: tap to unmute.
mute-muted-title = <b>Muted.</b> Tap to see their messages again.
mute-none-muted = Nobody is muted. /mute holds a sender’s messages back for a while.
mute-how-long = How long should <b>{ $who }</b> be muted?
mute-hours = 🔕 { $count } h
mute-tomorrow = 🔕 Until tomorrow
mute-until = 🔕 { $who } · { $time }
mute-end = Unmute
mute-done = { $who } is muted until { $time }. Their messages are kept in the history.
mute-ended = You will see their messages again.
mute-was-not = They are not muted any more.
mute-gone = This sender can no longer write to you.

## settings

settings-title = <b>Settings</b>
settings-language = Language: { $language }
settings-zone = Time zone: { $zone }
settings-zone-none = UTC (not chosen)
settings-quiet = Quiet hours: { $hours }, { $mode }
settings-quiet-none = Quiet hours: none
settings-news-on = News about this service: yes
settings-news-off = News about this service: no
settings-keep = History is kept: { $days ->
        [0] for good
        [one] { $days } day
       *[other] { $days } days
    }
settings-change-language = Language
settings-change-zone = Time zone
settings-change-hours = Quiet hours
news-on = You get news about this service now and then.
news-off = You get no news about this service.
settings-change-keep = How long history is kept
keep-choose = <b>How long shall I keep your history?</b> Older messages are erased within a day: from <code>/history</code>, from the search, and for their senders. In this chat they stay.
keep-days = { $days ->
        [0] For good
        [one] { $days } day
       *[other] { $days } days
    }
settings-no-news = No news, please
settings-want-news = Yes, send me news
settings-done = Done.

language-name = English
language-telegram = As in Telegram
language-choose = <b>Which language?</b>

quiet-choose = <b>Quiet from when to when?</b> Choose, or write for example <code>/quiet 23:30-07:15</code>. Urgent messages still come through.
quiet-none = No quiet hours
quiet-off = Quiet hours are off.
quiet-wrong = I don’t understand these hours. Write for example <code>/quiet 23:00-08:00</code> or <code>/quiet off</code>.
quiet-set = Quiet hours: <b>{ $hours }</b>, { $mode }. Urgent messages still come through.
quiet-mode-silent = messages arrive silently
quiet-mode-digest = messages wait for one digest
quiet-choose-silent = In quiet hours: silently
quiet-choose-digest = In quiet hours: wait for a digest

zone-ask = Which city’s time zone? Write a city (<i>Berlin</i>) or an offset (<i>+3</i>, <i>UTC-5</i>). With a city, daylight saving time is taken into account.
zone-wrong = I don’t know that place. Write a larger city in the same time zone, or an offset like <i>+3</i>.
zone-set = Your time zone: <b>{ $zone }</b>. It is { $time } there now.

## forget

forget-ask =
    <b>What I keep about you</b>
    Your name, language and settings, as Telegram and you told me
    Tokens that can write to you: { $tokens }
    Messages in the history: { $messages }{ $waiting ->
        [0] {""}
       *[other] {""}, of them not delivered yet: { $waiting }
    }
    Codes, muted senders, searches

    { $stays ->
        [2] Your Telegram number stays among the admins and in the record of what admins did. Another admin can remove you from the admins.{"\u000A\u000A"}
        [1] Your Telegram number stays in the record of what admins did.{"\u000A\u000A"}
       *[0] {""}
    }Delete all of it? This can’t be undone: programs can no longer write to you, and what waits is not delivered.
forget-sure = Yes, delete everything
forget-no = No, keep it
forget-kept = Nothing was deleted.
forget-done =
    { $stays ->
        [2] Everything I kept about you is deleted, except for your number among the admins and in the record of what admins did.
        [1] Everything I kept about you is deleted, except for your number in the record of what admins did.
       *[0] Everything I kept about you is deleted.
    } The messages in this chat are yours: delete them in Telegram. /start starts anew.
forget-done-short = Everything is deleted.

help-title = <b>What I can do</b>
too-much = That is a lot at once. I’ll answer again after a quiet minute.
private-only = I only work in private chats. Write to me directly, and I’ll deliver your programs’ messages there.
stopped = All right, never mind.
nothing-to-stop = There is nothing to cancel. /help shows what I can do.
unknown-command = I don’t know this command. /help shows the ones I do.
not-a-command = I only deliver messages from programs and can’t read replies. /help shows what I can do.
button-unknown = This button no longer works.
press-before = Already chosen: { $what }
press-too-late = This can’t be answered any more: its program is no longer linked, or the message was deleted.

command-start = greeting and a code
command-code = a new code for a program
command-token = a token for your own program
command-tokens = who can write to you
command-history = the last messages
command-help = what I can do
command-search = find messages by their words
command-scheduled = scheduled messages
command-stats = your messages in a picture
command-export = all your messages as a file
command-mute = hold back a sender’s messages
command-unmute = show them again
command-quiet = quiet hours
command-settings = language, time zone, quiet hours, news
command-language = the language I speak
command-news = news about this service: on or off
command-forget = delete everything I keep about you

## admins

help-admins = <b>For admins</b>
command-status = how the service is doing
command-queue = what waits, failed or is uncertain
command-errors = why messages were not delivered
command-users = accounts and people
command-user = one account or person
command-invite = a word that lets somebody register
command-invites = invites: those that work, those that were used
command-broadcast = tell everybody something
command-admins = who runs the service
command-audit = what admins did
command-backup = a copy of the database as a file
command-config = the settings in force
command-loglevel = how much is logged

admins-title = <b>Admins</b>
admins-of-settings = · { $who }, from the settings
admins-usage = Write <code>/admins add ID</code> or <code>/admins remove ID</code> with a Telegram id.
admins-remove = Remove { $who }
admins-ask = Remove { $who } from the admins?
admins-sure = Yes, remove
admins-added = { $who } is now an admin.
admins-already = { $who } is already an admin.
admins-unknown = I don’t know { $who }: they have to press /start here first.
admins-removed = { $who } is no longer an admin.
admins-none = { $who } is not an admin.
admins-fixed = { $who } is an admin through DJANGOBOT_ADMINS; that can only be changed on the server.
admins-last = { $who } is the last admin and can’t be removed.

users-title = <b>Accounts and people</b>, newest first
users-found = <b>Found for “{ $words }”</b>
users-none = Nobody found for “{ $words }”.
users-usage = <code>/users words</code> searches names and logins, <code>/user N</code> shows one by its number, login or username.
users-account-line = account: { $who }
users-person-line = person: { $who }
users-banned-line = { $who } (banned)
users-newer = ‹ Newer
users-older = Older ›
users-all = ‹ All
users-gone = This one is not here any more.
users-account-title = <b>Account { $id }: { $who }</b>
users-person-title = <b>Person { $id }: { $who }</b>
users-login = Login: { $handle }
users-username = Username: { $handle }
users-times = Here since { $since }, last active: { $seen }
users-tokens = Bot tokens: { $count }
users-messages = Messages: { $count } ({ $statuses })
users-writes-to = May write to:
users-written-by = Gets messages from:
users-own = their own programs
users-link = · { $who }: { $count ->
        [one] { $count } token
       *[other] { $count } tokens
    }, last used { $age }
users-has-blocked = Has blocked the bot: { $time }
users-is-banned = <b>Banned: { $time }</b>
users-ban = Ban
users-unban = Unban
users-limits = Reset limits
users-signout = Sign out everywhere
users-delete = Delete
users-delete-ask = Delete { $who } for good, with { $tokens ->
        [one] { $tokens } token
       *[other] { $tokens } tokens
    } and { $count ->
        [one] { $count } message
       *[other] { $count } messages
    }?
users-delete-sure = Yes, delete
users-is-admin = This is an admin: use /admins remove first.
users-banned = Banned.
users-unbanned = The ban is lifted.
users-limits-reset = May try again at once.
users-signed-out = Signed out everywhere.
users-deleted = Deleted.

invite-made =
    <b>Invite { $number }</b>, good for one account until { $until }. Tap to see the word:
    <spoiler>{ $word }</spoiler>

    Whoever registers sends it as <code>invite</code>. It is shown this once and disappears in a minute.
invite-idle = Registration is <code>{ $mode }</code> here; invites are only asked for with <code>DJANGOBOT_REGISTRATION=invite</code>.
invite-hidden = Invite { $number } was shown here. /invites lists them all.
invites-none = There are no invites. /invite makes one.
invites-title = <b>Invites</b>
invite-open = · { $number }: good until { $until }
invite-used = · { $number }: used { $time } by { $who } (account { $account })
invite-used-gone = · { $number }: used { $time }, the account is gone
invite-revoke = Revoke { $number }
invite-revoked = Revoked.
invite-over = It could not be used any more.

broadcast-what = What should everybody hear? Send me the text, or /cancel.
broadcast-wrong = The text must have 1 to { $most } characters. Please send another one.
broadcast-footer = <i>No more of this: /news off</i>
broadcast-whom = This is how it will look, for { $count ->
        [one] { $count } person
       *[other] { $count } people
    }. Who should get it?
broadcast-all = All
broadcast-en = English
broadcast-ru = Russian
broadcast-ever = All time
broadcast-days = { $count } days
broadcast-send = Send…
broadcast-drop = Don’t send
broadcast-ask = Send it to { $count ->
        [one] { $count } person
       *[other] { $count } people
    } now?
broadcast-sure = Yes, send to { $count }
broadcast-another = Another broadcast is under way.
broadcast-running = <b>The broadcast is under way</b>
broadcast-is-paused = <b>The broadcast is paused</b>
broadcast-canceled = <b>The broadcast is canceled</b>
broadcast-done = <b>The broadcast is done</b>
broadcast-progress = Sent: { $sent }, failed: { $failed }, skipped: { $skipped }
broadcast-left = Still to send: { $count }
broadcast-time = About { $time } left
broadcast-pause = Pause
broadcast-resume = Resume
broadcast-cancel = Cancel

alert-stuck = <b>Delivery is stuck.</b> The oldest message has been due for more than five minutes. /status and /queue show more.
alert-stuck-over = Delivery works again.
alert-database = <b>The database does not answer.</b> Nothing can be accepted or delivered until it does.
alert-database-over = The database answers again.
alert-attack = <b>Somebody is guessing passwords or codes.</b> Many attempts were refused in the last minutes.
alert-attack-over = The guessing has ended.
alert-codes = <b>Somebody is trying codes.</b> Too many wrong ones were tried in the last 24 hours. New codes have twenty digits until that is over; nobody is locked out.
alert-codes-over = Nobody tries codes any more. New codes have ten digits again.
alert-disk = <b>The disk is nearly full.</b> When it is full, messages are refused until there is room.
alert-disk-over = There is room on the disk again.
alert-version = DjangoBot { $version } is running, after { $before }. The database is up to date.
alert-session = <b>Telegram ended the bot’s session</b> ({ $reason }). The bot has signed in again; nothing that waited was lost.

audit-title = <b>What admins did</b>
audit-none = No admin has changed anything yet.

audit-line =
    { $time } · { $who }
    { $change }
audit-machine = the command line
audit-account = account { $name }
audit-ban = Banned: { $target }
audit-unban = Unbanned: { $target }
audit-sign-out = Signed out everywhere: { $target }
audit-reset-limits = Reset the limits: { $target }
audit-delete = Deleted: { $target }
audit-appoint = Made an admin: { $target }
audit-dismiss = Removed from the admins: { $target }
audit-invite = Made invite { $number }
audit-revoke-invite = Revoked invite { $number }
audit-broadcast = Sent a broadcast to { $after ->
        [one] { $after } person
       *[other] { $after } people
    }
audit-broadcast-paused = Paused the broadcast
audit-broadcast-running = Resumed the broadcast
audit-broadcast-canceled = Canceled the broadcast
audit-send-now = Sent a postponed message at once
audit-retry = Sent a failed message again
audit-resend = Sent an uncertain message again
audit-drop = Gave up on a message
audit-retry-all = Sent all failed messages again: { $before }
audit-resend-all = Sent all uncertain messages again: { $before }
audit-drop-all = Gave up on all uncertain messages: { $before }
audit-backup = Took a backup of the database
audit-pause-delivery = Paused delivery
audit-resume-delivery = Resumed delivery
audit-log-level = Changed the log level from { $before } to { $after }
audit-other = { $target }

status-title = <b>DjangoBot { $version }</b>
status-up = Up: { $since }
status-telegram-on = Telegram: connected
status-telegram-off = Telegram: not connected
status-database = Database: { $kind }, { $size }
status-growth = Growth in { $days } d: { $size }
status-queue = Queue: { $count }
status-queue-due = Queue: { $count }, the oldest due for { $age }
status-minute = Last minute: { $accepted } accepted, { $sent } sent, { $failed } failed
status-flood = Telegram wants us to wait: { $seconds } s
status-memory = Memory: { $size }
status-is-paused = <b>Delivery is paused.</b> Messages are accepted and wait.
status-refresh = Refresh
status-charts = Charts
status-drawing = Drawing…
status-day = The last 24 hours
status-day-total = { $accepted } accepted, { $sent } sent, { $failed } failed
status-by-hour = Messages by the hour
status-latency = Milliseconds from accepted to sent
status-accepted = Accepted
status-sent = Sent
status-failed = Failed
status-median = Median
status-slowest = 95th percentile
status-pause = Pause delivery
status-resume = Resume delivery
status-paused = Delivery is paused.
status-resumed = Delivery goes on.

message-status = { $status ->
        [queued] waiting
        [scheduled] scheduled
        [sending] being sent
        [sent] delivered
        [held] held back
        [replaced] replaced
        [failed] failed
        [expired] expired
        [canceled] canceled
        [paused] paused
       *[uncertain] uncertain
    }
reason-dropped = dropped by an admin
reason-token-revoked = the token was revoked
reason-account-banned = the account is banned
reason-forgotten = the person had everything deleted
reason-broadcast-canceled = the broadcast was canceled
reason-skipped = the person wants no news
size-mib = { $size } MiB
size-b = { $size } B
size-kb = { $size } kB
size-mb = { $size } MB
span-days = { $days } d { $clock }

queue-card =
    <b>Messages on their way</b>
    Due: { $due }
    Postponed: { $postponed }
    Failed: { $failed }
    Uncertain: { $uncertain }
queue-retry = Retry failed
queue-resend = Resend uncertain
queue-drop = Drop uncertain
queue-retry-ask = Send { $count ->
        [one] { $count } failed message
       *[other] all { $count } failed messages
    } again?
queue-resend-ask = Send { $count ->
        [one] { $count } uncertain message
       *[other] all { $count } uncertain messages
    } again? Those that did arrive will be in the chat twice.
queue-drop-ask = Give up on { $count ->
        [one] { $count } uncertain message
       *[other] all { $count } uncertain messages
    }? What has not arrived never will.
queue-retry-sure = Yes, retry { $count }
queue-resend-sure = Yes, resend { $count }
queue-drop-sure = Yes, drop { $count }
queue-done = Done: { $count }
queue-due = Due
queue-postponed = Postponed
queue-failed = Failed
queue-uncertain = Uncertain
queue-all = <b>Messages on their way</b>
queue-by-person = By person
queue-by-sender = By sender
queue-service = the service itself
queue-group = <b>{ $who }</b>: due { $due }, postponed { $postponed }, failed { $failed }, uncertain { $uncertain }
queue-nothing = Nothing here any more.
queue-before = ‹ Before
queue-after = After ›
queue-one =
    <b>{ $state }</b>
    <code>{ $id }</code>
    From: { $sender }
    To: { $person }
    Accepted: { $time } ({ $age })
    Characters: { $count }
    Attempts: { $attempts }
queue-one-next = Next attempt: { $time }
queue-one-reason = Reason: { $reason }
queue-one-urgent = Urgent.
queue-one-expires = Not to be sent after { $time }
queue-one-sending = It is being sent right now.
queue-one-blocked = The person has blocked the bot: it waits until they are back.
queue-one-banned = The person is banned: it waits until the ban is lifted.
queue-one-send-now = Send now
queue-one-retry = Retry
queue-one-resend = Resend
queue-one-drop = Drop
queue-one-resend-ask = Send it again? If it did arrive, it will be in the chat twice.
queue-one-drop-ask = Give up on it? If it has not arrived, it never will.
queue-one-resend-sure = Yes, resend
queue-one-drop-sure = Yes, drop
queue-one-done = Done.
queue-one-changed = Nothing was done: it has changed meanwhile, or its token was revoked.

errors-title = <b>Why messages failed</b>
errors-none = No message has failed.
errors-signatures = <b>Wrong webhook signatures</b>
errors-signature =
    <b>{ $who }</b> (token <code>{ $prefix }…</code>), { $format }: { $count }
    Latest: { $age }
errors-line =
    <b>{ $reason }</b>: { $count }
    Latest: { $age }

backup-ask = <b>Put a copy of the whole database into this chat?</b> It contains everything people were written here, their names and settings; the file will be on Telegram’s servers. On the server itself: <code>djangobot backup FILE</code>
backup-sure = Yes, send it here
backup-begun = Copying the database…
backup-refused = No backup: { $reason }.
backup-too-big = The copy is { $size } MiB, more than Telegram takes. On the server: <code>djangobot backup FILE</code>
backup-file = Accounts: { $accounts }, people: { $chats }, messages: { $messages }. It contains what people were written: keep it safe.

## config

config-title = <b>Settings in force</b>
config-default = <code>{ $name }</code>: { $value } · default
config-generated = <code>{ $name }</code>: { $value } · generated
config-set = <code>{ $name }</code>: { $value }

## log level

loglevel-card =
    <b>Log level:</b> <code>{ $level }</code>
    It applies to every process and survives a restart. <code>debug</code> logs each step of every message, never its text.
loglevel-chosen = Log level: { $level }
loglevel-usage = Write <code>/loglevel debug</code>, <code>info</code>, <code>warning</code> or <code>error</code>.
