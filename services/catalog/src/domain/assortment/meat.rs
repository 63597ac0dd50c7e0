//! Meat, poultry and what is made of them.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "meat",
    kinds: [
        Kind { name: Words("Beef sirloin", "Говядина, тонкий край"), price: 89_900 },
        Kind { name: Words("Beef brisket", "Говядина, грудинка"), price: 52_900 },
        Kind { name: Words("Beef for stew", "Говядина для тушения"), price: 64_900 },
        Kind { name: Words("Minced beef", "Фарш говяжий"), price: 54_900 },
        Kind { name: Words("Pork neck", "Свинина, шея"), price: 49_900 },
        Kind { name: Words("Pork loin", "Свинина, корейка"), price: 44_900 },
        Kind { name: Words("Pork ribs", "Свинина, рёбрышки"), price: 38_900 },
        Kind { name: Words("Minced pork", "Фарш свиной"), price: 36_900 },
        Kind { name: Words("Rack of lamb", "Баранина на кости"), price: 99_900 },
        Kind { name: Words("Leg of lamb", "Баранина, окорок"), price: 84_900 },
        Kind { name: Words("Chicken fillet", "Филе куриное"), price: 39_900 },
        Kind { name: Words("Chicken thighs", "Бёдра куриные"), price: 26_900 },
        Kind { name: Words("Whole chicken", "Цыплёнок целиком"), price: 23_900 },
        Kind { name: Words("Turkey fillet", "Филе индейки"), price: 49_900 },
        Kind { name: Words("Turkey drumsticks", "Голень индейки"), price: 28_900 },
        Kind { name: Words("Duck breast", "Грудка утиная"), price: 89_900 },
        Kind { name: Words("Rabbit", "Кролик"), price: 69_900 },
        Kind { name: Words("Veal liver", "Печень телячья"), price: 42_900 },
        Kind { name: Words("Grill sausages", "Колбаски для гриля"), price: 45_900 },
        Kind { name: Words("Smoked sausage", "Колбаса копчёная"), price: 69_900 },
        Kind { name: Words("Cooked ham", "Ветчина варёная"), price: 59_900 },
        Kind { name: Words("Smoked bacon", "Бекон копчёный"), price: 79_900 },
        Kind { name: Words("Salami", "Салями"), price: 99_900 },
        Kind { name: Words("Meatballs", "Тефтели"), price: 37_900 },
        Kind { name: Words("Shashlik in marinade", "Шашлык в маринаде"), price: 48_900 },
    ],
    packs: [
        Pack { name: Words("300 g", "300 г"), percent: 31 },
        Pack { name: Words("500 g", "500 г"), percent: 50 },
        Pack { name: Words("800 g", "800 г"), percent: 79 },
        Pack { name: Words("1 kg", "1 кг"), percent: 98 },
        Pack { name: Words("family tray, 2 kg", "семейная упаковка 2 кг"), percent: 190 },
    ],
    qualities: [
        Words("Chilled, never frozen.", "Охлаждённый продукт, без заморозки."),
        Words("From farms that we know by name.", "С ферм, которые мы знаем по именам."),
        Words("Cut by hand and vacuum packed.", "Ручная разделка, вакуумная упаковка."),
        Words("No added water, no flavour enhancers.", "Без добавленной воды и усилителей вкуса."),
        Words("Matured for a tender bite.", "Выдержано для нежной текстуры."),
    ],
    hints: [
        Words(
            "Keep at 0 to 4 degrees and cook within five days.",
            "Хранить при 0–4 градусах, приготовить в течение пяти дней.",
        ),
        Words("Take out of the fridge half an hour before cooking.", "Достать из холодильника за полчаса до готовки."),
        Words("Good for the pan, the oven and the grill.", "Подходит для сковороды, духовки и гриля."),
        Words("Serve with vegetables and fresh herbs.", "Подавать с овощами и свежей зеленью."),
    ],
};
