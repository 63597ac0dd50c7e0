//! Water, juice, tea, coffee and the rest of what one drinks.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "drinks",
    kinds: [
        Kind { name: Words("Still mineral water", "Вода минеральная без газа"), price: 4900 },
        Kind {
            name: Words("Sparkling mineral water", "Вода минеральная газированная"), price: 5200
        },
        Kind { name: Words("Spring water", "Вода родниковая"), price: 3900 },
        Kind { name: Words("Orange juice", "Сок апельсиновый"), price: 14_900 },
        Kind { name: Words("Apple juice", "Сок яблочный"), price: 11_900 },
        Kind { name: Words("Tomato juice", "Сок томатный"), price: 11_900 },
        Kind { name: Words("Cherry nectar", "Нектар вишнёвый"), price: 12_900 },
        Kind { name: Words("Multifruit juice", "Сок мультифруктовый"), price: 12_900 },
        Kind { name: Words("Cranberry mors", "Морс клюквенный"), price: 13_900 },
        Kind { name: Words("Lingonberry mors", "Морс брусничный"), price: 14_900 },
        Kind { name: Words("Bread kvass", "Квас хлебный"), price: 8900 },
        Kind { name: Words("White kvass", "Квас белый"), price: 9900 },
        Kind { name: Words("Tarragon lemonade", "Лимонад Тархун"), price: 7900 },
        Kind { name: Words("Pear lemonade", "Лимонад Дюшес"), price: 7900 },
        Kind { name: Words("Cola", "Кола"), price: 8900 },
        Kind { name: Words("Ginger ale", "Имбирный эль безалкогольный"), price: 10_900 },
        Kind { name: Words("Tonic water", "Тоник"), price: 9900 },
        Kind { name: Words("Green tea, cold", "Чай зелёный холодный"), price: 8900 },
        Kind {
            name: Words("Black tea with lemon, cold", "Чай чёрный с лимоном холодный"), price: 8900
        },
        Kind { name: Words("Kombucha", "Чайный гриб комбуча"), price: 15_900 },
        Kind { name: Words("Cold brew coffee", "Кофе холодного заваривания"), price: 19_900 },
        Kind { name: Words("Oat drink", "Напиток овсяный"), price: 12_900 },
        Kind { name: Words("Almond drink", "Напиток миндальный"), price: 18_900 },
        Kind { name: Words("Coconut water", "Вода кокосовая"), price: 19_900 },
        Kind { name: Words("Rosehip drink", "Напиток из шиповника"), price: 11_900 },
    ],
    packs: [
        Pack { name: Words("0.33 l can", "банка 0,33 л"), percent: 55 },
        Pack { name: Words("0.5 l", "0,5 л"), percent: 70 },
        Pack { name: Words("1 l", "1 л"), percent: 110 },
        Pack { name: Words("1.5 l", "1,5 л"), percent: 150 },
        Pack { name: Words("six of 0.5 l", "шесть бутылок по 0,5 л"), percent: 395 },
    ],
    qualities: [
        Words("A clean taste without artificial colours.", "Чистый вкус без искусственных красителей."),
        Words("Less sugar than usual, as much taste.", "Меньше сахара, вкус тот же."),
        Words("Bottled at the source.", "Разлито у источника."),
        Words("From fruit and berries of the last harvest.", "Из плодов и ягод последнего урожая."),
        Words("Refreshes on the hottest day.", "Освежает в самый жаркий день."),
    ],
    hints: [
        Words("Serve chilled.", "Подавать охлаждённым."),
        Words("Shake before drinking.", "Взболтать перед употреблением."),
        Words("Once open, keep cold for two days at most.", "После вскрытия хранить в холоде не дольше двух дней."),
        Words("Good with ice and a leaf of mint.", "Хорошо со льдом и листком мяты."),
    ],
};
