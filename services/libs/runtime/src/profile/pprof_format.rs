//! The profile as pprof and what speaks its format read it: a message of Protocol Buffers, packed by gzip.
//!
//! Field numbers are those of `profile.proto`. A location is an address; its mapping tells the build, so that a copy of the program with
//! its debug information can tell more later (lines, what was inlined) than this process carried.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::stacks::{Loaded, Profile, Stack};

/// Everything; texts are places in `string_table`.
#[derive(Clone, PartialEq, Message)]
struct Document {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

/// What a number of a sample means.
#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

/// A stack, the innermost location first.
#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

/// The program in memory.
#[derive(Clone, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    memory_start: u64,
    #[prost(uint64, tag = "3")]
    memory_limit: u64,
    #[prost(uint64, tag = "4")]
    file_offset: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(int64, tag = "6")]
    build_id: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
}

/// The number of the only mapping.
const PROGRAM: u64 = 1;

/// The profile in its packed form; `comment` tells a reader whose it is.
pub(super) fn write(profile: &Profile, comment: &str) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&document(profile, comment).encode_to_vec())?;
    packed.finish()
}

fn document(profile: &Profile, comment: &str) -> Document {
    let mut texts = Texts::default();
    let mut kind = |kind, unit| ValueType { kind: texts.place(kind), unit: texts.place(unit) };
    let (samples, cpu) = (kind("samples", "count"), kind("cpu", "nanoseconds"));
    let period = nanoseconds(profile.period());
    let mut document = Document {
        sample_type: vec![samples, cpu],
        time_nanos: nanoseconds(profile.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
        duration_nanos: nanoseconds(profile.lasted),
        period_type: Some(cpu),
        period,
        comment: vec![texts.place(comment)],
        default_sample_type: cpu.kind,
        mapping: profile.program.iter().map(|program| mapping(program, &mut texts)).collect(),
        ..Document::default()
    };
    let numbers = places(profile, &mut document, &mut texts);
    document.sample = profile.stacks.iter().map(|stack| sample(stack, period, &numbers, &mut texts)).collect();
    document.string_table = texts.table;
    document
}

fn mapping(program: &Loaded, texts: &mut Texts) -> Mapping {
    Mapping {
        id: PROGRAM,
        memory_start: program.code.start,
        memory_limit: program.code.end,
        file_offset: program.offset,
        filename: texts.place(&program.file),
        build_id: texts.place(&program.build_id),
        has_functions: true,
    }
}

/// Adds a location for each address and a function for each name; the number of each address.
fn places(profile: &Profile, document: &mut Document, texts: &mut Texts) -> HashMap<u64, u64> {
    let (mut numbers, mut functions) = (HashMap::new(), HashMap::<&str, u64>::new());
    for (id, (address, place)) in (1_u64..).zip(&profile.places) {
        let next = functions.len() as u64 + 1;
        let function_id = *functions.entry(place.symbol()).or_insert(next);
        if function_id == next {
            let (name, system_name) = (texts.place(&place.name()), texts.place(place.symbol()));
            document.function.push(Function { id: function_id, name, system_name });
        }
        let inside = profile.program.as_ref().is_some_and(|program| program.code.contains(address));
        let mapping_id = if inside { PROGRAM } else { 0 };
        document.location.push(Location { id, mapping_id, address: *address, line: vec![Line { function_id }] });
        numbers.insert(*address, id);
    }
    numbers
}

fn sample(stack: &Stack, period: i64, numbers: &HashMap<u64, u64>, texts: &mut Texts) -> Sample {
    let count = i64::try_from(stack.samples).unwrap_or(i64::MAX);
    Sample {
        location_id: stack.addresses.iter().filter_map(|address| numbers.get(address).copied()).collect(),
        value: vec![count, count.saturating_mul(period)],
        label: vec![Label { key: texts.place("thread"), text: texts.place(&stack.thread) }],
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The table of texts, of which the first is empty.
struct Texts {
    table: Vec<String>,
    places: HashMap<String, i64>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { table: vec![String::new()], places: HashMap::from([(String::new(), 0)]) }
    }
}

impl Texts {
    fn place(&mut self, text: &str) -> i64 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = i64::try_from(self.table.len()).unwrap_or_default();
        self.table.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::super::tests::{INNER, OUTER, VDSO, profile};
    use super::*;

    fn read(packed: &[u8]) -> Document {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        Document::decode(bytes.as_slice()).unwrap()
    }

    fn text(document: &Document, place: i64) -> &str {
        &document.string_table[usize::try_from(place).unwrap()]
    }

    #[test]
    fn every_sample_leads_to_the_names_of_its_functions() {
        let document = read(&write(&profile(), "cart 1").unwrap());
        let names = |sample: &Sample| -> Vec<String> {
            let location = |id: &u64| document.location.iter().find(|location| location.id == *id).unwrap();
            let function = |id| document.function.iter().find(|function| function.id == id).unwrap();
            let name = |id| text(&document, function(location(id).line[0].function_id).name).to_owned();
            sample.location_id.iter().map(name).collect()
        };
        let all: Vec<_> = document.sample.iter().map(|sample| (names(sample), sample.value[0])).collect();
        let way = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let inner = way(["shop::inner<[u8; 4]>", "shop::outer"]);
        assert_eq!(all, [(inner.clone(), 3), (inner, 2), (way(["[vdso]", "shop::outer"]), 1)]);
        assert_eq!(document.function.len(), 3, "two addresses of one function are one function");
    }

    #[test]
    fn the_second_number_of_a_sample_is_its_cpu_time() {
        let document = read(&write(&profile(), "cart 1").unwrap());
        let kinds: Vec<_> =
            document.sample_type.iter().map(|kind| (text(&document, kind.kind), text(&document, kind.unit))).collect();
        assert_eq!(kinds, [("samples", "count"), ("cpu", "nanoseconds")]);
        assert_eq!(document.period, 10_000_000);
        assert_eq!(document.sample[0].value, [3, 30_000_000]);
        assert_eq!((document.duration_nanos, text(&document, document.comment[0])), (10_000_000_000, "cart 1"));
    }

    #[test]
    fn only_what_is_in_the_program_is_said_to_be() {
        let document = read(&write(&profile(), "").unwrap());
        let mapped = |address| document.location.iter().find(|at| at.address == address).unwrap().mapping_id;
        assert_eq!([INNER, OUTER, VDSO].map(mapped), [PROGRAM, PROGRAM, 0]);
        assert_eq!(text(&document, document.mapping[0].build_id), "c0ffee");
    }
}
