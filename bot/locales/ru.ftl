start =
    <b>Здравствуйте, { $name }!</b>
    Я приношу сообщения от программ: скриптов, CI, мониторинга.

    Ваш код, нажмите, чтобы скопировать:
    <code>{ $code }</code>

    Он сработает один раз и действует { $minutes ->
        [one] { $minutes } минуту
        [few] { $minutes } минуты
       *[many] { $minutes } минут
    }. Передайте его владельцу программы: он обменяет код на токен бота (POST /api/cabinet/), и программа сможет писать вам сюда.

    /help — что ещё я умею.

code =
    Ваш новый код, нажмите, чтобы скопировать:
    <code>{ $code }</code>

    Он сработает один раз и действует { $minutes ->
        [one] { $minutes } минуту
        [few] { $minutes } минуты
       *[many] { $minutes } минут
    }. Прежний код больше не действует.

linked =
    <b>{ $who }</b> теперь может писать вам сюда (токен <code>{ $prefix }…</code>).
    Если это были не вы, отзовите его.

account-removed = <b>{ $account }</b>: аккаунт удалён, сообщений от него больше не будет.

tokens-title =
    { $count ->
        [one] Вам может писать <b>{ $count } токен</b>:
        [few] Вам могут писать <b>{ $count } токена</b>:
       *[many] Вам могут писать <b>{ $count } токенов</b>:
    }
tokens-line = <b>{ $who }</b>, <code>{ $prefix }…</code>, с { $created }, { $used ->
        [never] ещё не использован
       *[other] последний раз { $used }
    }
tokens-none = Пока ни одна программа не может вам писать. /code даст код, чтобы впустить первую.
tokens-more = …и ещё { $count }. Отзовите часть, чтобы увидеть остальные.
tokens-revoke = Отозвать: { $who }
tokens-revoked = Отозван: { $who } больше не может вам писать.
tokens-gone = Этот токен не ваш или его больше нет.

## history

history-title = <b>Сообщения для вас</b>, сначала новые (время { $zone })
history-line =
    <b>{ $sender }</b> · { $time }{ $status ->
        [sent] {""}
        [held] {""} · сохранено, не показано
        [failed] {""} · не доставлено
        [expired] {""} · просрочено
        [canceled] {""} · отменено
        [uncertain] {""} · доставка под вопросом
       *[other] {""} · в пути
    }
    { $text }
history-none = Сообщений пока нет. /code даст код, чтобы впустить программу.
history-nothing = Здесь пусто: выберите другого отправителя или другой день.
history-older = Старше ›
history-newer = ‹ Новее
history-newest = « Новые
history-all-senders = Все отправители
history-any-day = Любой день
history-choose-sender = <b>Чьи сообщения показать?</b>
history-choose-day = <b>За какой день?</b>
history-more = Ещё ›
history-back = ‹ Назад
history-earlier = Раньше ›

help-title = <b>Что я умею</b>
unknown-command = Такой команды я не знаю. /help покажет, какие знаю.
not-a-command = Я только передаю сообщения от программ и не читаю ответов. /help покажет, что я умею.
button-unknown = Эта кнопка больше не работает.

command-start = приветствие и код
command-code = новый код для программы
command-tokens = кто может вам писать
command-history = последние сообщения
command-help = что я умею
