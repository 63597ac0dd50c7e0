//! What comes from the freezer.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "frozen",
    kinds: [
        Kind { name: Words("Siberian pelmeni", "Пельмени сибирские"), price: 32_900 },
        Kind { name: Words("Beef pelmeni", "Пельмени с говядиной"), price: 36_900 },
        Kind { name: Words("Potato vareniki", "Вареники с картофелем"), price: 18_900 },
        Kind { name: Words("Cherry vareniki", "Вареники с вишней"), price: 22_900 },
        Kind { name: Words("Khinkali", "Хинкали"), price: 34_900 },
        Kind { name: Words("Blini with curd cheese", "Блинчики с творогом"), price: 19_900 },
        Kind { name: Words("Blini with meat", "Блинчики с мясом"), price: 22_900 },
        Kind { name: Words("Syrniki", "Сырники"), price: 21_900 },
        Kind { name: Words("Margherita pizza", "Пицца Маргарита"), price: 29_900 },
        Kind { name: Words("Four cheese pizza", "Пицца Четыре сыра"), price: 34_900 },
        Kind { name: Words("Mixed vegetables", "Смесь овощная"), price: 12_900 },
        Kind { name: Words("Green beans", "Фасоль стручковая"), price: 14_900 },
        Kind { name: Words("Sweetcorn", "Кукуруза сладкая"), price: 13_900 },
        Kind { name: Words("Green peas", "Горошек зелёный"), price: 12_900 },
        Kind { name: Words("Chips", "Картофель фри"), price: 14_900 },
        Kind { name: Words("Wild mushrooms", "Грибы лесные"), price: 32_900 },
        Kind { name: Words("Cranberries", "Клюква"), price: 24_900 },
        Kind { name: Words("Blackcurrants", "Смородина чёрная"), price: 19_900 },
        Kind { name: Words("Cherries without stones", "Вишня без косточек"), price: 22_900 },
        Kind { name: Words("Cod fillet", "Филе трески"), price: 54_900 },
        Kind { name: Words("Salmon steaks", "Стейки лосося"), price: 119_900 },
        Kind { name: Words("Tiger prawns", "Креветки тигровые"), price: 99_900 },
        Kind { name: Words("Fish fingers", "Рыбные палочки"), price: 21_900 },
        Kind { name: Words("Vanilla plombir", "Пломбир ванильный"), price: 14_900 },
        Kind { name: Words("Chocolate ice cream", "Мороженое шоколадное"), price: 15_900 },
    ],
    packs: [
        Pack { name: Words("300 g", "300 г"), percent: 50 },
        Pack { name: Words("400 g", "400 г"), percent: 65 },
        Pack { name: Words("500 g", "500 г"), percent: 78 },
        Pack { name: Words("800 g", "800 г"), percent: 118 },
        Pack { name: Words("big bag, 1.5 kg", "большой пакет 1,5 кг"), percent: 210 },
    ],
    qualities: [
        Words("Frozen at once, so that nothing is lost.", "Шоковая заморозка сохраняет всё полезное."),
        Words("Ready in ten minutes.", "Готово за десять минут."),
        Words("No flavour enhancers.", "Без усилителей вкуса."),
        Words("As good as made at home.", "Как приготовленное дома."),
        Words("Does not stick together in the bag.", "Не слипается в пакете."),
    ],
    hints: [
        Words(
            "Keep at minus 18 degrees; do not freeze again.",
            "Хранить при минус 18 градусах; повторно не замораживать.",
        ),
        Words("Cook without thawing.", "Готовить, не размораживая."),
        Words("Always a dinner in reserve.", "Ужин, который всегда есть в запасе."),
        Words("Thaw slowly in the fridge.", "Размораживать медленно, в холодильнике."),
    ],
};
