//! Vegetables, roots and greens.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "vegetables",
    kinds: [
        Kind { name: Words("Young potatoes", "Картофель молодой"), price: 5900 },
        Kind { name: Words("Washed carrots", "Морковь мытая"), price: 6900 },
        Kind { name: Words("Beetroot", "Свёкла столовая"), price: 4900 },
        Kind { name: Words("White onions", "Лук белый"), price: 5900 },
        Kind { name: Words("Red onions", "Лук красный"), price: 7900 },
        Kind { name: Words("Winter garlic", "Чеснок озимый"), price: 29_900 },
        Kind { name: Words("White cabbage", "Капуста белокочанная"), price: 4500 },
        Kind { name: Words("Cauliflower", "Капуста цветная"), price: 16_900 },
        Kind { name: Words("Broccoli", "Капуста брокколи"), price: 21_900 },
        Kind { name: Words("Short cucumbers", "Огурцы короткоплодные"), price: 15_900 },
        Kind { name: Words("Long cucumbers", "Огурцы длинноплодные"), price: 13_900 },
        Kind { name: Words("Vine tomatoes", "Томаты на ветке"), price: 22_900 },
        Kind { name: Words("Cherry tomatoes", "Томаты черри"), price: 34_900 },
        Kind { name: Words("Sweet peppers", "Перец сладкий"), price: 24_900 },
        Kind { name: Words("Chilli peppers", "Перец чили"), price: 49_900 },
        Kind { name: Words("Aubergines", "Баклажаны"), price: 19_900 },
        Kind { name: Words("Courgettes", "Кабачки цукини"), price: 12_900 },
        Kind { name: Words("Butternut squash", "Тыква мускатная"), price: 9900 },
        Kind { name: Words("Radishes", "Редис"), price: 11_900 },
        Kind { name: Words("Daikon", "Дайкон"), price: 8900 },
        Kind { name: Words("Celery sticks", "Сельдерей черешковый"), price: 18_900 },
        Kind { name: Words("Spinach leaves", "Шпинат листовой"), price: 35_900 },
        Kind { name: Words("Iceberg lettuce", "Салат айсберг"), price: 17_900 },
        Kind { name: Words("Green peas in pods", "Горох зелёный в стручках"), price: 27_900 },
        Kind { name: Words("Champignons", "Шампиньоны"), price: 25_900 },
    ],
    packs: [
        Pack { name: Words("400 g", "400 г"), percent: 42 },
        Pack { name: Words("500 g", "500 г"), percent: 50 },
        Pack { name: Words("1 kg", "1 кг"), percent: 100 },
        Pack { name: Words("2 kg net", "сетка 2 кг"), percent: 188 },
        Pack { name: Words("crate, 5 kg", "ящик 5 кг"), percent: 450 },
    ],
    qualities: [
        Words("From this season's harvest.", "Урожай этого сезона."),
        Words("Washed, checked and packed at the farm.", "Вымыто, проверено и упаковано на ферме."),
        Words("Grown in open ground under the summer sun.", "Выращено в открытом грунте под летним солнцем."),
        Words("Crisp, with a full natural taste.", "Хрустящая свежесть и полный натуральный вкус."),
        Words("Chosen for an even size that cooks in one time.", "Отобрано по размеру, чтобы готовилось равномерно."),
    ],
    hints: [
        Words("Keep in the dark at 4 to 8 degrees.", "Хранить в темноте при 4–8 градусах."),
        Words("Good for soup, stew and the grill.", "Подходит для супа, рагу и гриля."),
        Words("Bake with a little oil and coarse salt.", "Запекать с каплей масла и крупной солью."),
        Words("A base for salads for the whole week.", "Основа салатов на всю неделю."),
    ],
};
