//! How the words of a shelf become products.

/// The same words in English and in Russian.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub(super) &'static str, pub(super) &'static str);

/// A kind of goods and what a full pack of it costs, in kopeks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) name: Words,
    pub(super) price: i64,
}

/// A size, and its price in percent of the full one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pack {
    pub(super) name: Words,
    pub(super) percent: u16,
}

/// Everything that the products of one category are made of.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) slug: &'static str,
    pub(super) kinds: [Kind; 25],
    pub(super) packs: [Pack; 5],
    pub(super) qualities: [Words; 5],
    pub(super) hints: [Words; 4],
}

/// One combination of a shelf's words.
pub(super) struct Variant {
    pub(super) kind: Kind,
    pub(super) maker: Words,
    pub(super) pack: Pack,
    /// How often all combinations were used up before.
    pub(super) series: u64,
}

impl Shelf {
    /// The combination with this number: every number another one. Neighbours differ in all three words, so that a page of a
    /// category looks like a shop and not like a table.
    pub(super) fn variant(&self, number: u64) -> Variant {
        let (kinds, makers, packs) = (self.kinds.len() as u64, MAKERS.len() as u64, self.packs.len() as u64);
        let kind = number % kinds;
        // Shifting by what is already known keeps the numbering one to one.
        let maker = (number / kinds + kind) % makers;
        let pack = (number / kinds / makers + kind + maker) % packs;
        Variant {
            kind: self.kinds[super::index(kind)],
            maker: MAKERS[super::index(maker)],
            pack: self.packs[super::index(pack)],
            series: number / kinds / makers / packs,
        }
    }
}

/// Who makes it.
pub(super) const MAKERS: [Words; 20] = [
    Words("Green Valley", "Зелёная долина"),
    Words("Home Table", "Домашний стол"),
    Words("White Birch", "Белая берёза"),
    Words("Sunny Yard", "Солнечный двор"),
    Words("Old Mill", "Старая мельница"),
    Words("Northern Lights", "Северное сияние"),
    Words("Golden Ear", "Золотой колос"),
    Words("Blue Lake", "Синее озеро"),
    Words("Village House", "Деревенский дом"),
    Words("Three Oaks", "Три дуба"),
    Words("Morning Dew", "Утренняя роса"),
    Words("Grandma's Recipe", "Бабушкин рецепт"),
    Words("Red Hill", "Красная горка"),
    Words("Cossack Land", "Казачий край"),
    Words("Clear Spring", "Чистый родник"),
    Words("Taiga Gifts", "Дары тайги"),
    Words("Altai Meadows", "Алтайские луга"),
    Words("Volga Harvest", "Волжский урожай"),
    Words("Good Neighbour", "Добрый сосед"),
    Words("Family Basket", "Семейная корзина"),
];
