//! Fruit and berries.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "fruit",
    kinds: [
        Kind { name: Words("Gala apples", "Яблоки Гала"), price: 12_900 },
        Kind { name: Words("Antonovka apples", "Яблоки Антоновка"), price: 10_900 },
        Kind { name: Words("Conference pears", "Груши Конференция"), price: 18_900 },
        Kind { name: Words("Bananas", "Бананы"), price: 11_900 },
        Kind { name: Words("Valencia oranges", "Апельсины Валенсия"), price: 14_900 },
        Kind { name: Words("Seedless mandarins", "Мандарины без косточек"), price: 17_900 },
        Kind { name: Words("Lemons", "Лимоны"), price: 15_900 },
        Kind { name: Words("Limes", "Лаймы"), price: 32_900 },
        Kind { name: Words("Pink grapefruit", "Грейпфруты розовые"), price: 15_900 },
        Kind { name: Words("Table grapes", "Виноград столовый"), price: 24_900 },
        Kind { name: Words("Yellow peaches", "Персики жёлтые"), price: 22_900 },
        Kind { name: Words("Nectarines", "Нектарины"), price: 23_900 },
        Kind { name: Words("Apricots", "Абрикосы"), price: 25_900 },
        Kind { name: Words("Blue plums", "Сливы синие"), price: 17_900 },
        Kind { name: Words("Sweet cherries", "Черешня"), price: 45_900 },
        Kind { name: Words("Garden strawberries", "Клубника садовая"), price: 39_900 },
        Kind { name: Words("Raspberries", "Малина"), price: 59_900 },
        Kind { name: Words("Blueberries", "Голубика"), price: 69_900 },
        Kind { name: Words("Hayward kiwi", "Киви Хейворд"), price: 21_900 },
        Kind { name: Words("Mangoes", "Манго"), price: 34_900 },
        Kind { name: Words("Pomegranates", "Гранаты"), price: 28_900 },
        Kind { name: Words("Persimmons", "Хурма"), price: 22_900 },
        Kind { name: Words("Hass avocados", "Авокадо Хасс"), price: 39_900 },
        Kind { name: Words("Pineapple", "Ананасы"), price: 26_900 },
        Kind { name: Words("Watermelon", "Арбузы"), price: 4900 },
    ],
    packs: [
        Pack { name: Words("500 g", "500 г"), percent: 50 },
        Pack { name: Words("1 kg", "1 кг"), percent: 100 },
        Pack { name: Words("1.5 kg", "1,5 кг"), percent: 145 },
        Pack { name: Words("2 kg net", "сетка 2 кг"), percent: 190 },
        Pack { name: Words("gift box, 3 kg", "подарочный ящик 3 кг"), percent: 290 },
    ],
    qualities: [
        Words("Picked ripe and sorted by hand.", "Собраны спелыми и отсортированы вручную."),
        Words(
            "Juicy, with a thin skin and a clean sweet taste.",
            "Сочная мякоть, тонкая кожица и чистый сладкий вкус.",
        ),
        Words(
            "Grown without forcing, on the southern side of the garden.",
            "Выращены без спешки, на южной стороне сада.",
        ),
        Words("Delivered within two days of the harvest.", "Доставляются в течение двух дней после сбора."),
        Words("Firm enough for a lunch box, soft enough for a child.", "Удобно взять с собой, понравится и детям."),
    ],
    hints: [
        Words("Best kept in a cool place; wash before eating.", "Хранить в прохладном месте; мыть перед едой."),
        Words("Good fresh, in a salad or in a pie.", "Хороши свежими, в салате и в пироге."),
        Words(
            "Leave at room temperature for a day for the fullest taste.",
            "Для самого полного вкуса подержать день при комнатной температуре.",
        ),
        Words("Makes a fine compote or jam.", "Подходят для компота и варенья."),
    ],
};
