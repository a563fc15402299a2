## code

start =
    <b>Здравствуйте, { $name }!</b>
    Я приношу сообщения от программ: скриптов, CI, мониторинга. Кому из них писать вам, решаете вы.
start-help = /help — что ещё я умею.

code =
    Ваш код, нажмите, чтобы скопировать:
    <code>{ $code }</code>

    Он сработает один раз и действует { $minutes ->
        [one] { $minutes } минуту
        [few] { $minutes } минуты
       *[many] { $minutes } минут
    }. Передайте его тому, кто запускает программу: код обменивают на токен бота, и программа сможет писать вам.
code-name = Токен будет называться <b>{ $name }</b>.
code-call-button = Показать вызов curl
code-call =
    Этот вызов обменяет ваш код на токен бота, нажмите, чтобы скопировать:
    <pre>{ $call }</pre>

    ACCESS_TOKEN — токен аккаунта, его даёт <code>POST /api/auth/</code>. Все вызовы: { $docs }

    Код сработает один раз и действует ещё { $minutes ->
        [one] { $minutes } минуту
        [few] { $minutes } минуты
       *[many] { $minutes } минут
    }.
code-used = Код использован: теперь вам может писать <b>{ $who }</b>. /tokens
code-used-by-nobody = Код использован. /tokens покажет, кто может вам писать.
code-replaced = Этот код больше не действует: есть код новее.
code-expired = Срок кода истёк. /code даст новый.
code-dead = Этот код больше не действует. /code даст новый.
token-name-wrong = Имя токена — одна строка от 1 до 64 видимых символов. Попробуйте другое.

back = ‹ Назад

## own tokens

own-button = Для своей программы
own-ask = Как называется ваша программа? Это имя будет стоять над её сообщениями. /cancel — передумать.
own-too-many = Токенов слишком много: не больше { $most } за сутки. Они все в /tokens; отозванные освободят место завтра.
own-hello = Привет!
own-made =
    Теперь <b>{ $name }</b> может вам писать. Токен, нажмите, чтобы увидеть:
    <spoiler>{ $value }</spoiler>

    Вызов, который отправит первое сообщение, нажмите и скопируйте:
    <spoiler>{ $call }</spoiler>

    Для программы с поддержкой Gotify тот же токен выглядит так:
    <spoiler>{ $gotify }</spoiler>

    Показываю один раз, через минуту всё исчезнет. /tokens: пауза, лимит, отзыв.

## tokens

linked =
    <b>{ $who }</b> теперь может писать вам сюда (токен <code>{ $prefix }…</code>).
    Если это были не вы, отзовите его.
network-new =
    <b>{ $who }</b>: токеном воспользовались из новой сети <code>{ $network }</code> (токен <code>{ $prefix }…</code>).
    Если это не вы и не ваша программа, отзовите его.
network-last = Сетей уже много, о следующих я сообщать не буду.

renamed = <b>{ $before }</b> теперь называется <b>{ $who }</b>. Если под этим именем вы никого не знаете, отзовите токен: /tokens
account-removed = <b>{ $account }</b>: аккаунт удалён, сообщений от него больше не будет.
owner-revoked = <b>{ $account }</b>: владелец отозвал все свои токены, его программы больше не могут вам писать. Чтобы снова их пустить, дайте им новый код: /code

tokens-title =
    { $count ->
        [one] Вам может писать <b>{ $count } токен</b>.
        [few] Вам могут писать <b>{ $count } токена</b>.
       *[many] Вам могут писать <b>{ $count } токенов</b>.
    } Нажмите, чтобы посмотреть или изменить.
tokens-none = Пока ни одна программа не может вам писать. /code даст код, чтобы впустить первую.
tokens-all = ‹ Все токены
tokens-revoke = Отозвать: { $who }
tokens-revoked = Отозван: { $who } больше не может вам писать.
tokens-gone = Этот токен не ваш или его больше нет.

token-card =
    <b>{ $name }</b>
    Аккаунт: { $account }
    Токен: <code>{ $prefix }…</code>
    Создан: { $created }
    Использован: { $used }
token-card-own =
    <b>{ $name }</b>
    Для своей программы, создан здесь
    Токен: <code>{ $prefix }…</code>
    Создан: { $created }
    Использован: { $used }
token-week = Сообщений за 7 дней: { $count }{ $files ->
        [0] {""}
        [one] {""}, с { $files } файлом
       *[many] {""}, с { $files } файлами
    }
token-is-paused = Приостановлен: с ним ничего не отправить.
token-is-limited = Лимит: { $count ->
        [one] { $count } сообщение
        [few] { $count } сообщения
       *[many] { $count } сообщений
    } в минуту
token-expires = Действует до { $day }
token-not-urgent = Срочные сообщения: как все остальные
token-expired = <b>{ $who }</b>: срок токена истёк, он больше не может вам писать.
token-revoked = <b>{ $who }</b> (токен <code>{ $prefix }…</code>) отозван и больше не может вам писать.
token-over = Этот токен больше не действует, ничего не изменено.

token-rename = Переименовать
token-pause = Пауза
token-resume = Возобновить
token-limit = Лимит
token-expiry = Срок
token-rotate = Сменить значение
token-urgent-refuse = Без срочных
token-urgent-allow = Со срочными
token-revoke = Отозвать
token-senders = Как отправлять
token-secret = Подписи
token-undo = Вернуть (10 секунд)
token-hide = Скрыть сейчас

token-name-ask = Как назвать <b>{ $who }</b>? Напишите новое имя или /cancel, чтобы оставить прежнее.
token-paused = Приостановлен.
token-resumed = Снова может писать.
token-limit-ask = Сколько сообщений в минуту может присылать <b>{ $who }</b>?
token-limit-choice = { $count ->
        [0] Без лимита
       *[other] { $count } в минуту
    }
token-limit-set = Лимит задан.
token-expiry-ask = Сколько ещё <b>{ $who }</b> может вам писать, считая с этой минуты?
token-expiry-choice = { $count ->
        [0] Бессрочно
        [365] 1 год
        [one] { $count } день
        [few] { $count } дня
       *[many] { $count } дней
    }
token-expiry-set = Срок задан.
token-urgent-refused = Срочные сообщения теперь как все остальные.
token-urgent-allowed = Срочные сообщения могут приходить первыми.
token-rotate-ask = Сменить значение токена <b>{ $who }</b>? Нынешнее сразу перестанет действовать.
token-rotate-sure = Да, сменить
token-rotated =
    Новое значение токена <b>{ $who }</b>, нажмите, чтобы увидеть:
    <spoiler>{ $value }</spoiler>
    Для программ с Gotify: <spoiler>{ $gotify }</spoiler>

    Оно показано один раз и исчезнет через минуту. Прежнее больше не действует.
senders-title = Какая программа будет отправлять с токеном <b>{ $who }</b>?
senders-others = Другие программы
sender-filled =
    <b>{ $name }</b>, где: <code>{ $where }</code>
    <spoiler>{ $snippet }</spoiler>

    { $signed ->
        [yes] Отправленное можно ещё и подписывать: задайте там и на карточке токена один секрет, кнопка «Подписи».
       *[no] Нажмите, чтобы увидеть и скопировать.
    } Исчезнет через минуту.
sender-unfilled =
    <b>{ $name }</b>, где: <code>{ $where }</code>
    <code>{ $snippet }</code>

    { $signed ->
        [yes] Отправленное можно ещё и подписывать: задайте там и на карточке токена один секрет, кнопка «Подписи».
       *[no] Сам токен здесь не хранится.
    } Впишите свой вместо <code>BOT_TOKEN</code> или смените значение: тогда я подставлю его сам.

secret-none = <b>{ $who }</b>: секрет не задан, подписи не проверяются. С секретом сообщения от GitHub, GitLab, Gitea, Grafana и Sentry принимаются, только если подписаны им. Другие программы ничего не подписывают и пишут вам, как прежде.
secret-title = <b>{ $who }</b>: секрет задан. Сообщения от GitHub, GitLab, Gitea, Grafana и Sentry принимаются, только если подписаны им.
secret-refused = { $count ->
        [one] Отклонена { $count } неверная подпись
        [few] Отклонены { $count } неверные подписи
       *[many] Отклонено { $count } неверных подписей
    }, последняя: { $age }
secret-make = Создать секрет
secret-another = Создать другой секрет
secret-own = У меня есть свой
secret-remove = Убрать секрет
secret-removed = Убран: подписи больше не проверяются.
secret-made =
    Секрет токена <b>{ $who }</b>, нажмите, чтобы увидеть:
    <spoiler>{ $secret }</spoiler>

    Впишите его в программу как её секрет. Он показан один раз и исчезнет через минуту.
secret-made-before = Это уже сделано: секрет сменили раньше.
secret-ask = Напишите секрет, которым подписывает <b>{ $who }</b>: от 8 до 200 знаков без пробелов. /cancel — отмена.
secret-wrong = Секрет — это от 8 до 200 латинских букв, цифр и знаков без пробелов. Попробуйте другой.
secret-stored = Сохранён. Теперь удалите своё сообщение, чтобы никто не прочёл в нём секрет.

token-rotated-before = Это уже сделано: значение сменили раньше.
token-revoke-ask = Отозвать <b>{ $who }</b>? Он больше не сможет вам писать, а сообщения в очереди не будут отправлены.
token-revoke-sure = Да, отозвать
token-undone = Возвращён: может писать вам, как прежде.
token-undo-late = Поздно: токен отозван. Новый /code снова впустит программу.

age-never = ни разу
age-now = только что
age-minutes = { $count ->
        [one] { $count } минуту назад
        [few] { $count } минуты назад
       *[many] { $count } минут назад
    }
age-hours = { $count ->
        [one] { $count } час назад
        [few] { $count } часа назад
       *[many] { $count } часов назад
    }
age-days = { $count ->
        [one] { $count } день назад
        [few] { $count } дня назад
       *[many] { $count } дней назад
    }

## scheduled

scheduled-title = <b>Запланированные сообщения</b>, сначала ближайшие (часовой пояс: { $zone })
scheduled-head = <b>{ $number }. { $sender }</b> · { $time }
scheduled-none = Для вас ничего не запланировано.
scheduled-cancel = { $number }: отменить
scheduled-now = { $number }: сейчас
scheduled-canceled = Отменено.
scheduled-sent = Сейчас придёт.
scheduled-gone = Это сообщение уже не запланировано.
scheduled-earlier = ‹ Раньше
scheduled-later = Позже ›

## history

history-title = <b>Сообщения для вас</b>, сначала новые (часовой пояс: { $zone })
history-head =
    <b>{ $sender }</b> · { $time }{ $status ->
        [sent] {""}
        [held] {""} · сохранено, не показано
        [scheduled] {""} · придёт { $when }
        [deleted] {""} · удалено отправителем
        [failed] {""} · не доставлено
        [expired] {""} · просрочено
        [canceled] {""} · отменено
        [uncertain] {""} · доставка под вопросом
       *[other] {""} · в пути
    }
history-none = Сообщений пока нет. /code даст код, чтобы впустить программу.
history-nothing = Здесь пусто: выберите другого отправителя или другой день.
history-full = Целиком: { $which }
history-files = Файлы: { $which }
history-gone = Этого сообщения здесь больше нет.
history-older = Старше ›
history-newer = ‹ Новее
history-newest = « Новые
history-all-senders = Все отправители
history-any-day = Любой день
history-choose-sender = <b>Чьи сообщения показать?</b>
history-choose-day = <b>За какой день?</b>
history-any-tag = Любой тег
history-choose-tag = <b>С каким тегом?</b>
history-no-tag = Сообщений с таким тегом нет. После /history пишут один тег: <code>/history #backup</code>
history-tag-gone = Сообщений с этим тегом здесь больше нет.
history-more = Ещё ›
history-back = ‹ Назад
history-earlier = Раньше ›

## search

search-found = <b>Найдено по «{ $words }»</b>, сначала новые (часовой пояс: { $zone })
search-none = По «{ $words }» ничего не нашлось. Все слова должны быть в одном сообщении, в любой форме.
search-what = Что искать в ваших сообщениях? Напишите слово или несколько.
search-old = Этот поиск слишком старый, чтобы листать его. /search начнёт новый.
search-late = Самые новые сообщения ещё не разобраны по словам и могут отсутствовать; повторите через минуту.

## export

export-choose =
    { $count ->
        [one] <b>{ $count } сообщение</b>
        [few] <b>{ $count } сообщения</b>
       *[many] <b>{ $count } сообщений</b>
    } в файле. CSV открывается в таблицах, JSON Lines — для программ.
export-csv = CSV
export-jsonl = JSON Lines
export-under-way = Записываю файл… { $percent } %
export-done =
    Готово: { $count ->
        [one] <b>{ $count } сообщение</b>
        [few] <b>{ $count } сообщения</b>
       *[many] <b>{ $count } сообщений</b>
    }{ $files ->
        [one] {""}
        [few] {""} в { $files } файлах
       *[many] {""} в { $files } файлах
    }. /export запишет новый.
export-file = { $since } – { $until } (UTC)

## stats

stats-title = Сообщения за { $days } дней
stats-total = { $since } – { $until } · всего { $count }
stats-by-day = По дням
stats-by-sender = По отправителям
stats-others = Остальные
stats-caption =
    { $count ->
        [one] <b>{ $count } сообщение</b>
        [few] <b>{ $count } сообщения</b>
       *[many] <b>{ $count } сообщений</b>
    }{ $files ->
        [0] {""}
        [one] {""} с { $files } файлом
       *[many] {""} с { $files } файлами
    } за последние { $days } дней; больше всего { $day } ({ $most }), чаще всех пишет { $who } ({ $share } %).
stats-none = За последние { $days } дней сообщений не было. /history покажет прежние.
stats-dark = Тёмный фон
stats-light = Светлый фон
stats-failed = Сейчас картинку нарисовать не удалось. Попробуйте позже.

## quiet

digest-title =
    { $count ->
        [one] <b>Пока было тихо: { $count } сообщение</b>
        [few] <b>Пока было тихо: { $count } сообщения</b>
       *[many] <b>Пока было тихо: { $count } сообщений</b>
    }
digest-sender = <b>{ $who }</b> ({ $count })
digest-gone = Отозванный токен
digest-more = …и ещё { $count }
digest-others =
    { $count ->
        [one] …и ещё { $count } сообщение от других
        [few] …и ещё { $count } сообщения от других
       *[many] …и ещё { $count } сообщений от других
    }
digest-history = Открыть историю

mute-title = <b>Чьи сообщения придержать?</b> Они останутся в истории, а потом придёт сводка. 🔕 — сейчас без показа: нажмите, чтобы вернуть.
mute-muted-title = <b>Без показа.</b> Нажмите, чтобы снова видеть их сообщения.
mute-none-muted = Сейчас показываются все. /mute придержит сообщения отправителя на время.
mute-how-long = На сколько придержать сообщения от <b>{ $who }</b>?
mute-hours = 🔕 { $count } ч
mute-tomorrow = 🔕 До завтра
mute-until = 🔕 { $who } · { $time }
mute-end = Показывать снова
mute-done = { $who }: без показа до { $time }. Сообщения сохраняются в истории.
mute-ended = Сообщения снова показываются.
mute-was-not = Они и так показываются.
mute-gone = Этот отправитель больше не может вам писать.

## settings

settings-title = <b>Настройки</b>
settings-language = Язык: { $language }
settings-zone = Часовой пояс: { $zone }
settings-zone-none = UTC (не выбран)
settings-quiet = Тихие часы: { $hours }, { $mode }
settings-quiet-none = Тихие часы: нет
settings-news-on = Новости сервиса: да
settings-news-off = Новости сервиса: нет
settings-keep = История хранится: { $days ->
        [0] бессрочно
        [one] { $days } день
        [few] { $days } дня
       *[many] { $days } дней
    }
settings-change-language = Язык
settings-change-zone = Часовой пояс
settings-change-hours = Тихие часы
news-on = Иногда я присылаю новости этого сервиса.
news-off = Новости этого сервиса вам не приходят.
settings-change-keep = Сколько хранить историю
keep-choose = <b>Сколько хранить вашу историю?</b> Более старые сообщения удаляются в течение суток: из <code>/history</code>, из поиска и у отправителей. В этом чате они останутся.
keep-days = { $days ->
        [0] Бессрочно
        [one] { $days } день
        [few] { $days } дня
       *[many] { $days } дней
    }
settings-no-news = Без новостей
settings-want-news = Получать новости
settings-done = Готово.

language-name = Русский
language-telegram = Как в Telegram
language-choose = <b>На каком языке говорить?</b>

quiet-choose = <b>С какого и до какого часа не беспокоить?</b> Выберите или напишите, например, <code>/quiet 23:30-07:15</code>. Срочные сообщения придут всё равно.
quiet-none = Без тихих часов
quiet-off = Тихие часы отключены.
quiet-wrong = Не понимаю такие часы. Напишите, например, <code>/quiet 23:00-08:00</code> или <code>/quiet off</code>.
quiet-set = Тихие часы: <b>{ $hours }</b>, { $mode }. Срочные сообщения придут всё равно.
quiet-mode-silent = сообщения приходят без звука
quiet-mode-digest = сообщения ждут одной сводки
quiet-choose-silent = В тихие часы: без звука
quiet-choose-digest = В тихие часы: одной сводкой

zone-ask = В каком городе ваш часовой пояс? Напишите город (<i>Москва</i>) или смещение (<i>+3</i>, <i>UTC-5</i>). По городу учитывается и летнее время.
zone-wrong = Такого места не знаю. Напишите более крупный город того же пояса или смещение, например <i>+3</i>.
zone-set = Ваш часовой пояс: <b>{ $zone }</b>, там сейчас { $time }.

## forget

forget-ask =
    <b>Что я о вас храню</b>
    Имя, язык и настройки: от Telegram и от вас
    Токены, которые могут вам писать: { $tokens }
    Сообщения в истории: { $messages }{ $waiting ->
        [0] {""}
       *[other] {""}, из них ещё не доставлено: { $waiting }
    }
    Коды, отправители без показа, поисковые запросы

    { $stays ->
        [2] Ваш номер в Telegram останется в списке администраторов и в журнале их действий. Убрать вас из списка может другой администратор.{"\u000A\u000A"}
        [1] Ваш номер в Telegram останется в журнале действий администраторов.{"\u000A\u000A"}
       *[0] {""}
    }Удалить всё это? Вернуть нельзя: программы больше не смогут вам писать, а то, что ждёт, не придёт.
forget-sure = Да, удалить всё
forget-no = Нет, оставить
forget-kept = Ничего не удалено.
forget-done =
    { $stays ->
        [2] Всё, что я о вас хранил, удалено, кроме вашего номера в списке администраторов и в журнале их действий.
        [1] Всё, что я о вас хранил, удалено, кроме вашего номера в журнале действий администраторов.
       *[0] Всё, что я о вас хранил, удалено.
    } Сообщения в этом чате ваши: удалить их можно в Telegram. /start начнёт заново.
forget-done-short = Всё удалено.

help-title = <b>Что я умею</b>
too-much = Слишком много сразу. Отвечу после минуты тишины.
private-only = Я работаю только в личных чатах. Напишите мне лично, и я буду приносить сообщения ваших программ туда.
stopped = Хорошо, отменено.
nothing-to-stop = Отменять нечего. /help покажет, что я умею.
unknown-command = Такой команды я не знаю. /help покажет, какие знаю.
not-a-command = Я только передаю сообщения от программ и не читаю ответов. /help покажет, что я умею.
button-unknown = Эта кнопка больше не работает.
press-before = Уже выбрано: { $what }
press-too-late = Ответить уже нельзя: программа больше не привязана или сообщение удалено.

command-start = приветствие и код
command-code = новый код для программы
command-token = токен для своей программы
command-tokens = кто может вам писать
command-history = последние сообщения
command-help = что я умею
command-search = найти сообщения по словам
command-scheduled = запланированные сообщения
command-stats = ваши сообщения на картинке
command-export = все ваши сообщения файлом
command-mute = придержать сообщения отправителя
command-unmute = снова показывать
command-quiet = тихие часы
command-settings = язык, часовой пояс, тихие часы, новости
command-language = на каком языке говорить
command-news = новости сервиса: получать или нет
command-forget = удалить всё, что я о вас храню

## admins

help-admins = <b>Для администраторов</b>
command-status = как работает сервис
command-queue = что ждёт, не удалось или под вопросом
command-errors = почему сообщения не доставлены
command-users = аккаунты и люди
command-user = один аккаунт или человек
command-invite = слово, с которым можно зарегистрироваться
command-invites = приглашения: действующие и использованные
command-broadcast = сообщить что-то всем
command-admins = кто управляет сервисом
command-audit = что делали администраторы
command-backup = копия базы файлом
command-config = действующие настройки
command-loglevel = насколько подробен журнал

admins-title = <b>Администраторы</b>
admins-of-settings = · { $who }, из настроек
admins-usage = Напишите <code>/admins add ID</code> или <code>/admins remove ID</code>, где ID — номер человека в Telegram.
admins-remove = Убрать: { $who }
admins-ask = Убрать { $who } из администраторов?
admins-sure = Да, убрать
admins-added = { $who } теперь администратор.
admins-already = { $who } уже администратор.
admins-unknown = Не знаю человека с номером { $who }: сначала ему нужно нажать здесь /start.
admins-removed = { $who } больше не администратор.
admins-none = { $who } — не администратор.
admins-fixed = { $who } — администратор из DJANGOBOT_ADMINS, это меняют на сервере.
admins-last = { $who } — последний администратор и останется им.

users-title = <b>Аккаунты и люди</b>, сначала новые
users-found = <b>Найдено по «{ $words }»</b>
users-none = По «{ $words }» никого нет.
users-usage = <code>/users слова</code> ищет по именам и логинам, <code>/user N</code> покажет одного: по номеру, логину или имени пользователя.
users-account-line = аккаунт: { $who }
users-person-line = человек: { $who }
users-banned-line = { $who } (заблокирован)
users-newer = ‹ Новее
users-older = Старше ›
users-all = ‹ Все
users-gone = Здесь такого больше нет.
users-account-title = <b>Аккаунт { $id }: { $who }</b>
users-person-title = <b>Человек { $id }: { $who }</b>
users-login = Логин: { $handle }
users-username = Имя пользователя: { $handle }
users-times = Здесь с { $since }, последняя активность: { $seen }
users-tokens = Токенов: { $count }
users-messages = Сообщений: { $count } ({ $statuses })
users-writes-to = Может писать:
users-written-by = Получает сообщения от:
users-own = свои программы
users-link = · { $who }: { $count ->
        [one] { $count } токен
        [few] { $count } токена
       *[many] { $count } токенов
    }, последний раз { $age }
users-has-blocked = Этот человек заблокировал бота: { $time }
users-is-banned = <b>Заблокирован с { $time }</b>
users-ban = Заблокировать
users-unban = Разблокировать
users-limits = Сбросить лимиты
users-signout = Завершить все сеансы
users-delete = Удалить
users-delete-ask = Удалить навсегда: { $who }? Вместе с ним удалятся { $tokens ->
        [one] { $tokens } токен
        [few] { $tokens } токена
       *[many] { $tokens } токенов
    } и { $count ->
        [one] { $count } сообщение
        [few] { $count } сообщения
       *[many] { $count } сообщений
    }.
users-delete-sure = Да, удалить
users-is-admin = Это администратор: сначала /admins remove.
users-banned = Заблокирован.
users-unbanned = Разблокирован.
users-limits-reset = Лимиты сброшены: можно сразу пробовать снова.
users-signed-out = Все сеансы завершены.
users-deleted = Удалено.

invite-made =
    <b>Приглашение { $number }</b>, на один аккаунт, действует до { $until }. Нажмите, чтобы увидеть слово:
    <spoiler>{ $word }</spoiler>

    При регистрации его передают в поле <code>invite</code>. Оно показано один раз и исчезнет через минуту.
invite-idle = Сейчас регистрация в режиме <code>{ $mode }</code>; приглашения спрашивают только при <code>DJANGOBOT_REGISTRATION=invite</code>.
invite-hidden = Здесь было приглашение { $number }. Все приглашения: /invites
invites-none = Приглашений нет. /invite создаст новое.
invites-title = <b>Приглашения</b>
invite-open = · { $number }: действует до { $until }
invite-used = · { $number }: использовано { $time }, логин { $who } (аккаунт { $account })
invite-used-gone = · { $number }: использовано { $time }, аккаунта уже нет
invite-revoke = Отозвать { $number }
invite-revoked = Отозвано.
invite-over = Оно и так уже не действовало.

broadcast-what = Что сообщить всем? Пришлите текст или /cancel, чтобы передумать.
broadcast-wrong = В тексте должно быть от 1 до { $most } знаков. Пришлите другой.
broadcast-footer = <i>Больше не получать: /news off</i>
broadcast-whom = Так это будет выглядеть. Получат { $count ->
        [one] { $count } человек
        [few] { $count } человека
       *[many] { $count } человек
    }. Кому отправить?
broadcast-all = Все
broadcast-en = Английский
broadcast-ru = Русский
broadcast-ever = За всё время
broadcast-days = { $count ->
        [one] { $count } день
        [few] { $count } дня
       *[many] { $count } дней
    }
broadcast-send = Отправить…
broadcast-drop = Не отправлять
broadcast-ask = Отправить прямо сейчас? Получат { $count ->
        [one] { $count } человек
        [few] { $count } человека
       *[many] { $count } человек
    }.
broadcast-sure = Да, отправить: { $count }
broadcast-another = Уже идёт другая рассылка.
broadcast-running = <b>Рассылка идёт</b>
broadcast-is-paused = <b>Рассылка на паузе</b>
broadcast-canceled = <b>Рассылка отменена</b>
broadcast-done = <b>Рассылка закончена</b>
broadcast-progress = Отправлено: { $sent }, не удалось: { $failed }, пропущено: { $skipped }
broadcast-left = Осталось отправить: { $count }
broadcast-time = Осталось примерно { $time }
broadcast-pause = Пауза
broadcast-resume = Продолжить
broadcast-cancel = Отменить

alert-stuck = <b>Доставка стоит.</b> Самое старое сообщение ждёт больше пяти минут. Подробнее: /status и /queue.
alert-stuck-over = Доставка снова работает.
alert-database = <b>База не отвечает.</b> Пока она молчит, сообщения не принимаются и не доставляются.
alert-database-over = База снова отвечает.
alert-attack = <b>Кто-то подбирает пароли или коды.</b> За последние минуты отклонено много попыток.
alert-attack-over = Подбор паролей и кодов прекратился.
alert-codes = <b>Кто-то перебирает коды.</b> За последние 24 часа введено слишком много неверных. Пока это не кончится, в новых кодах будет двадцать цифр; доступ никому не закрыт.
alert-codes-over = Перебор кодов прекратился. В новых кодах снова десять цифр.
alert-disk = <b>Диск почти полон.</b> Когда место кончится, новые сообщения будут отклоняться.
alert-disk-over = На диске снова есть место.
alert-version = Работает DjangoBot { $version }, до этого был { $before }. База обновлена.
alert-session = <b>Telegram завершил сеанс бота</b> ({ $reason }). Бот вошёл снова, всё, что ждало, на месте.

audit-title = <b>Что делали администраторы</b>
audit-none = Администраторы пока ничего не меняли.

audit-line =
    { $time } · { $who }
    { $change }
audit-machine = командная строка
audit-account = аккаунт { $name }
audit-ban = Блокировка: { $target }
audit-unban = Снята блокировка: { $target }
audit-sign-out = Завершены все сеансы: { $target }
audit-reset-limits = Сброшены лимиты: { $target }
audit-delete = Удаление: { $target }
audit-appoint = Новый администратор: { $target }
audit-dismiss = Больше не администратор: { $target }
audit-invite = Создано приглашение { $number }
audit-revoke-invite = Отозвано приглашение { $number }
audit-broadcast = Начата рассылка, получателей: { $after }
audit-broadcast-paused = Рассылка приостановлена
audit-broadcast-running = Рассылка продолжена
audit-broadcast-canceled = Рассылка отменена
audit-send-now = Отложенное сообщение отправлено сразу
audit-retry = Недоставленное сообщение отправлено снова
audit-resend = Сообщение под вопросом отправлено снова
audit-drop = Сообщение снято с отправки
audit-retry-all = Отправлены снова все недоставленные сообщения: { $before }
audit-resend-all = Отправлены снова все сообщения под вопросом: { $before }
audit-drop-all = Сняты с отправки все сообщения под вопросом: { $before }
audit-backup = Сделана копия базы
audit-pause-delivery = Доставка приостановлена
audit-resume-delivery = Доставка возобновлена
audit-log-level = Уровень журнала: был { $before }, стал { $after }
audit-other = { $target }

status-title = <b>DjangoBot { $version }</b>
status-up = Работает уже { $since }
status-telegram-on = Telegram: на связи
status-telegram-off = Telegram: нет связи
status-database = База: { $kind }, { $size }
status-growth = Рост за { $days } дн.: { $size }
status-queue = Очередь: { $count }
status-queue-due = Очередь: { $count }, самое старое ждёт { $age }
status-minute = За минуту: принято { $accepted }, отправлено { $sent }, не удалось отправить { $failed }
status-flood = Telegram просит подождать: { $seconds } с
status-memory = Память: { $size }
status-is-paused = <b>Доставка приостановлена.</b> Сообщения принимаются и ждут.
status-refresh = Обновить
status-charts = Графики
status-drawing = Рисую…
status-day = Последние 24 часа
status-day-total = принято { $accepted }, отправлено { $sent }, не удалось { $failed }
status-by-hour = Сообщения по часам
status-latency = Миллисекунды от приёма до отправки
status-accepted = Принято
status-sent = Отправлено
status-failed = Не удалось
status-median = Медиана
status-slowest = 95-й процентиль
status-pause = Приостановить
status-resume = Возобновить
status-paused = Доставка приостановлена.
status-resumed = Доставка возобновлена.

message-status = { $status ->
        [queued] ждут
        [scheduled] запланированы
        [sending] отправляются
        [sent] доставлены
        [held] придержаны
        [replaced] заменены
        [failed] не доставлены
        [expired] просрочены
        [canceled] отменены
        [paused] приостановлены
       *[uncertain] под вопросом
    }
reason-dropped = отменено администратором
reason-token-revoked = токен отозван
reason-account-banned = аккаунт заблокирован
reason-forgotten = человек удалил свои данные
reason-broadcast-canceled = рассылка отменена
reason-skipped = человек не хочет новостей
size-mib = { $size } МиБ
size-b = { $size } Б
size-kb = { $size } КБ
size-mb = { $size } МБ
span-days = { $days } д { $clock }

queue-card =
    <b>Сообщения в пути</b>
    Пора отправить: { $due }
    Отложены: { $postponed }
    Не удались: { $failed }
    Под вопросом: { $uncertain }
queue-retry = Повторить неудавшиеся
queue-resend = Отправить снова
queue-drop = Не отправлять
queue-retry-ask = Отправить заново { $count ->
        [one] { $count } неудавшееся сообщение
        [few] { $count } неудавшихся сообщения
       *[other] { $count } неудавшихся сообщений
    }?
queue-resend-ask = Отправить заново { $count ->
        [one] { $count } сообщение под вопросом
        [few] { $count } сообщения под вопросом
       *[other] { $count } сообщений под вопросом
    }? Те, что всё же дошли, окажутся в чате дважды.
queue-drop-ask = Больше не отправлять { $count ->
        [one] { $count } сообщение под вопросом
        [few] { $count } сообщения под вопросом
       *[many] { $count } сообщений под вопросом
    }? Что не дошло, уже не дойдёт.
queue-retry-sure = Да, повторить: { $count }
queue-resend-sure = Да, отправить: { $count }
queue-drop-sure = Да, не отправлять: { $count }
queue-done = Готово: { $count }
queue-due = Пора отправить
queue-postponed = Отложены
queue-failed = Не удались
queue-uncertain = Под вопросом
queue-all = <b>Сообщения в пути</b>
queue-by-person = По людям
queue-by-sender = По отправителям
queue-service = сам сервис
queue-group = <b>{ $who }</b>: пора { $due }, отложены { $postponed }, не удались { $failed }, под вопросом { $uncertain }
queue-nothing = Здесь больше ничего нет.
queue-before = ‹ Раньше
queue-after = Позже ›
queue-one =
    <b>{ $state }</b>
    <code>{ $id }</code>
    От кого: { $sender }
    Кому: { $person }
    Принято: { $time } ({ $age })
    Символов: { $count }
    Попыток: { $attempts }
queue-one-next = Следующая попытка: { $time }
queue-one-reason = Причина: { $reason }
queue-one-urgent = Срочное.
queue-one-expires = Не отправлять после { $time }
queue-one-sending = Отправляется прямо сейчас.
queue-one-blocked = Человек заблокировал бота: сообщение ждёт его возвращения.
queue-one-banned = Человек заблокирован администраторами: сообщение ждёт, пока его разблокируют.
queue-one-send-now = Отправить сейчас
queue-one-retry = Повторить
queue-one-resend = Отправить снова
queue-one-drop = Не отправлять
queue-one-resend-ask = Отправить заново? Если оно всё же дошло, то окажется в чате дважды.
queue-one-drop-ask = Больше не отправлять это сообщение? Если оно не дошло, уже не дойдёт.
queue-one-resend-sure = Да, отправить
queue-one-drop-sure = Да, не отправлять
queue-one-done = Готово.
queue-one-changed = Ничего не сделано: оно уже изменилось или его токен отозван.

errors-title = <b>Почему сообщения не доставлены</b>
errors-none = Неудавшихся сообщений нет.
errors-signatures = <b>Неверные подписи вебхуков</b>
errors-signature =
    <b>{ $who }</b> (токен <code>{ $prefix }…</code>), { $format }: { $count }
    Последняя: { $age }
errors-line =
    <b>{ $reason }</b>: { $count }
    Последнее: { $age }

backup-ask = <b>Прислать сюда копию всей базы?</b> В ней всё, что здесь писали людям, их имена и настройки; файл окажется на серверах Telegram. На самом сервере: <code>djangobot backup ФАЙЛ</code>
backup-sure = Да, прислать сюда
backup-begun = Копирую базу…
backup-refused = Копия не сделана: { $reason }.
backup-too-big = Копия занимает { $size } МиБ, Telegram столько не принимает. На сервере: <code>djangobot backup ФАЙЛ</code>
backup-file = Аккаунты: { $accounts }, люди: { $chats }, сообщения: { $messages }. В файле то, что писали людям: храните его надёжно.

## config

config-title = <b>Действующие настройки</b>
config-default = <code>{ $name }</code>: { $value } · по умолчанию
config-generated = <code>{ $name }</code>: { $value } · сгенерирован
config-set = <code>{ $name }</code>: { $value }

## log level

loglevel-card =
    <b>Уровень журнала:</b> <code>{ $level }</code>
    Действует для всех процессов и после перезапуска. На уровне <code>debug</code> виден каждый шаг сообщений, но не их тексты.
loglevel-chosen = Уровень журнала: { $level }
loglevel-usage = Напишите <code>/loglevel debug</code>, <code>info</code>, <code>warning</code> или <code>error</code>.
