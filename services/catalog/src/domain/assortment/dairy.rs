//! Milk and what is made of it.

use super::shelf::{Kind, Pack, Shelf, Words};

/// The words of this shelf.
pub(super) const SHELF: Shelf = Shelf {
    slug: "dairy",
    kinds: [
        Kind { name: Words("Whole milk 3.2%", "Молоко 3,2%"), price: 8900 },
        Kind { name: Words("Skimmed milk 1.5%", "Молоко 1,5%"), price: 7900 },
        Kind { name: Words("Baked milk 4%", "Молоко топлёное 4%"), price: 10_900 },
        Kind { name: Words("Goat milk", "Молоко козье"), price: 21_900 },
        Kind { name: Words("Kefir 2.5%", "Кефир 2,5%"), price: 8500 },
        Kind { name: Words("Ryazhenka 4%", "Ряженка 4%"), price: 9200 },
        Kind {
            name: Words("Drinking yoghurt with strawberry", "Йогурт питьевой с клубникой"), price: 9900
        },
        Kind { name: Words("Greek yoghurt", "Йогурт греческий"), price: 11_900 },
        Kind { name: Words("Natural yoghurt", "Йогурт натуральный"), price: 8900 },
        Kind { name: Words("Soured cream 20%", "Сметана 20%"), price: 11_900 },
        Kind { name: Words("Whipping cream 33%", "Сливки 33%"), price: 21_900 },
        Kind { name: Words("Coffee cream 10%", "Сливки 10%"), price: 9900 },
        Kind { name: Words("Curd cheese 5%", "Творог 5%"), price: 12_900 },
        Kind { name: Words("Curd cheese 9%", "Творог 9%"), price: 14_900 },
        Kind {
            name: Words("Cottage cheese in cream", "Творог зернёный в сливках"), price: 11_900
        },
        Kind { name: Words("Butter 82.5%", "Масло сливочное 82,5%"), price: 22_900 },
        Kind { name: Words("Gouda", "Сыр Гауда"), price: 27_900 },
        Kind { name: Words("Emmental", "Сыр Эмменталь"), price: 34_900 },
        Kind { name: Words("Mozzarella", "Сыр Моцарелла"), price: 21_900 },
        Kind { name: Words("Brynza", "Сыр Брынза"), price: 19_900 },
        Kind { name: Words("Suluguni", "Сыр Сулугуни"), price: 25_900 },
        Kind { name: Words("Camembert", "Сыр Камамбер"), price: 32_900 },
        Kind { name: Words("Cream cheese", "Сыр творожный"), price: 17_900 },
        Kind { name: Words("Condensed milk", "Молоко сгущённое"), price: 12_900 },
        Kind { name: Words("Vanilla curd dessert", "Десерт творожный ванильный"), price: 6900 },
    ],
    packs: [
        Pack { name: Words("small, 200 g", "малая упаковка 200 г"), percent: 60 },
        Pack { name: Words("300 g", "300 г"), percent: 80 },
        Pack { name: Words("450 g", "450 г"), percent: 105 },
        Pack { name: Words("900 g", "900 г"), percent: 185 },
        Pack { name: Words("family size, 1.4 kg", "семейная упаковка 1,4 кг"), percent: 270 },
    ],
    qualities: [
        Words("Made from fresh milk of one farm.", "Из свежего молока одной фермы."),
        Words("No palm oil, no preservatives.", "Без пальмового масла и консервантов."),
        Words("Slowly made by an old recipe.", "Приготовлено не спеша, по старому рецепту."),
        Words("A soft, creamy taste.", "Мягкий сливочный вкус."),
        Words("Delivered to the shop every morning.", "Привозим в магазин каждое утро."),
    ],
    hints: [
        Words(
            "Keep at 2 to 6 degrees; use within three days of opening.",
            "Хранить при 2–6 градусах; после вскрытия — три дня.",
        ),
        Words("Good at breakfast, with berries or honey.", "Хорошо на завтрак, с ягодами или мёдом."),
        Words("Fine for baking and sauces.", "Подходит для выпечки и соусов."),
        Words("Children like it too.", "Нравится и детям."),
    ],
};
