//! Chocolate, biscuits and other small joys.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "sweets",
    kinds: [
        Kind { name: Words("Dark chocolate 72%", "Шоколад горький 72%"), price: 12_900 },
        Kind { name: Words("Milk chocolate", "Шоколад молочный"), price: 9900 },
        Kind { name: Words("White chocolate", "Шоколад белый"), price: 10_900 },
        Kind {
            name: Words("Milk chocolate with hazelnuts", "Шоколад молочный с фундуком"), price: 12_900
        },
        Kind { name: Words("Aerated chocolate", "Шоколад пористый"), price: 9900 },
        Kind { name: Words("Chocolate truffles", "Трюфели шоколадные"), price: 29_900 },
        Kind { name: Words("Birds' milk", "Птичье молоко"), price: 24_900 },
        Kind { name: Words("Praline sweets", "Конфеты пралине"), price: 21_900 },
        Kind { name: Words("Caramels", "Карамель фруктовая"), price: 11_900 },
        Kind { name: Words("Toffee", "Ирис сливочный"), price: 12_900 },
        Kind { name: Words("Apple pastila", "Пастила яблочная"), price: 17_900 },
        Kind { name: Words("Vanilla zephyr", "Зефир ванильный"), price: 14_900 },
        Kind { name: Words("Fruit marmalade", "Мармелад фруктовый"), price: 13_900 },
        Kind { name: Words("Sunflower halva", "Халва подсолнечная"), price: 12_900 },
        Kind { name: Words("Peanut kozinaki", "Козинаки арахисовые"), price: 11_900 },
        Kind { name: Words("Nougat with almonds", "Нуга с миндалём"), price: 25_900 },
        Kind { name: Words("Turkish delight", "Рахат-лукум"), price: 19_900 },
        Kind { name: Words("Oat biscuits", "Печенье овсяное"), price: 10_900 },
        Kind { name: Words("Shortbread", "Печенье песочное"), price: 11_900 },
        Kind { name: Words("Chocolate wafers", "Вафли шоколадные"), price: 9900 },
        Kind { name: Words("Tula gingerbread", "Пряник тульский"), price: 11_900 },
        Kind { name: Words("Honey gingerbread", "Пряники медовые"), price: 9900 },
        Kind { name: Words("Flower honey", "Мёд цветочный"), price: 34_900 },
        Kind { name: Words("Raspberry jam", "Варенье малиновое"), price: 23_900 },
        Kind { name: Words("Chocolate spread", "Паста шоколадная"), price: 26_900 },
    ],
    packs: [
        Pack { name: Words("90 g", "90 г"), percent: 70 },
        Pack { name: Words("150 g", "150 г"), percent: 100 },
        Pack { name: Words("250 g", "250 г"), percent: 155 },
        Pack { name: Words("500 g", "500 г"), percent: 290 },
        Pack { name: Words("gift box, 700 g", "подарочная коробка 700 г"), percent: 430 },
    ],
    qualities: [
        Words("Real cocoa butter, real vanilla.", "Настоящее масло какао и настоящая ваниль."),
        Words("Made in small batches by confectioners.", "Делают кондитеры, небольшими партиями."),
        Words("Not too sweet.", "В меру сладко."),
        Words("A recipe that has not changed since 1965.", "Рецепт не менялся с 1965 года."),
        Words("Melts on the tongue.", "Тает во рту."),
    ],
    hints: [
        Words("Keep dry, at 15 to 20 degrees.", "Хранить в сухом месте при 15–20 градусах."),
        Words("Made for tea with friends.", "К чаю в кругу друзей."),
        Words("A small present that is always right.", "Небольшой подарок, который всегда кстати."),
        Words("May contain traces of nuts.", "Может содержать следы орехов."),
    ],
};
