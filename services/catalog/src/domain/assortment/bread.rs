//! Bread, rolls and pastry.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "bread",
    kinds: [
        Kind { name: Words("Borodinsky rye bread", "Хлеб Бородинский"), price: 6900 },
        Kind { name: Words("Darnitsky bread", "Хлеб Дарницкий"), price: 5900 },
        Kind { name: Words("Sliced white loaf", "Батон нарезной"), price: 5500 },
        Kind { name: Words("Wholegrain bread", "Хлеб цельнозерновой"), price: 8900 },
        Kind {
            name: Words("Sourdough wheat bread", "Хлеб пшеничный на закваске"), price: 11_900
        },
        Kind { name: Words("Multigrain bread", "Хлеб многозерновой"), price: 9900 },
        Kind { name: Words("Toast bread", "Хлеб тостовый"), price: 7500 },
        Kind { name: Words("French baguette", "Багет французский"), price: 6500 },
        Kind { name: Words("Ciabatta", "Чиабатта"), price: 7900 },
        Kind { name: Words("Focaccia with rosemary", "Фокачча с розмарином"), price: 12_900 },
        Kind { name: Words("Armenian lavash", "Лаваш армянский"), price: 5900 },
        Kind { name: Words("Georgian shoti", "Шоти грузинский"), price: 6900 },
        Kind { name: Words("Pita", "Пита"), price: 5900 },
        Kind { name: Words("Burger buns", "Булочки для бургеров"), price: 8900 },
        Kind { name: Words("Poppy seed roll", "Рулет с маком"), price: 13_900 },
        Kind { name: Words("Cinnamon buns", "Булочки с корицей"), price: 11_900 },
        Kind { name: Words("Butter croissants", "Круассаны сливочные"), price: 14_900 },
        Kind { name: Words("Almond croissants", "Круассаны миндальные"), price: 17_900 },
        Kind { name: Words("Cabbage pies", "Пирожки с капустой"), price: 9900 },
        Kind { name: Words("Apple pies", "Пирожки с яблоком"), price: 9900 },
        Kind { name: Words("Curd vatrushka", "Ватрушки с творогом"), price: 10_900 },
        Kind { name: Words("Bagels with sesame", "Бублики с кунжутом"), price: 7900 },
        Kind { name: Words("Rye crispbread", "Хлебцы ржаные"), price: 8500 },
        Kind { name: Words("Vanilla rusks", "Сухари ванильные"), price: 7900 },
        Kind { name: Words("Breadsticks", "Хлебные палочки"), price: 6900 },
    ],
    packs: [
        Pack { name: Words("half, 200 g", "половинка 200 г"), percent: 60 },
        Pack { name: Words("300 g", "300 г"), percent: 80 },
        Pack { name: Words("400 g", "400 г"), percent: 100 },
        Pack { name: Words("650 g", "650 г"), percent: 145 },
        Pack { name: Words("double pack, 800 g", "двойная упаковка 800 г"), percent: 180 },
    ],
    qualities: [
        Words("Baked this morning in a stone oven.", "Испечено сегодня утром в каменной печи."),
        Words("Long fermented, with a thick crust.", "Долгая ферментация и плотная корочка."),
        Words("Flour, water, salt and time: nothing else.", "Мука, вода, соль и время — больше ничего."),
        Words("Soft inside, fragrant outside.", "Мягкость внутри, аромат снаружи."),
        Words("Made by hand in small batches.", "Ручная работа, небольшие партии."),
    ],
    hints: [
        Words("Keep in a paper or cloth bag.", "Хранить в бумажном или тканевом пакете."),
        Words("Warm up for three minutes before serving.", "Прогреть три минуты перед подачей."),
        Words("Good with butter, soup and cheese.", "Хорошо с маслом, супом и сыром."),
        Words("Freezes well.", "Хорошо переносит заморозку."),
    ],
};
