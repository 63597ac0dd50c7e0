//! The program in the memory of its process, and the names of its functions.
//!
//! They come from the symbol table of the program's own file, which every image has; what only a debugger reads (lines, what was inlined)
//! most have not. The file is read piece by piece, and nothing of it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::ops::Range;

use object::{Object as _, ObjectSegment as _, ObjectSymbol as _, ReadCache, SymbolIndex, SymbolKind};

use super::stacks::{Loaded, Place};

/// The program's own file, whatever it is called by now.
const OWN_FILE: &str = "/proc/self/exe";
const OWN_MEMORY: &str = "/proc/self/maps";

/// What is at each of these addresses, and the program that most of them are in.
pub(super) fn places(addresses: &BTreeSet<u64>) -> io::Result<(BTreeMap<u64, Place>, Option<Loaded>)> {
    let (regions, path) = (regions(&fs::read_to_string(OWN_MEMORY)?), fs::read_link(OWN_FILE)?);
    let path = path.to_string_lossy();
    let Some((first, code)) = parts(&regions, &path) else {
        return Ok((addresses.iter().map(|address| (*address, in_region(&regions, *address))).collect(), None));
    };
    let file = ReadCache::new(File::open(OWN_FILE)?);
    let symbols = Symbols::read(&file, first.addresses.start).map_err(io::Error::other)?;
    let place = |address: u64| symbols.at(address).unwrap_or_else(|| in_region(&regions, address));
    let places = addresses.iter().map(|address| (*address, place(*address))).collect();
    let build_id = symbols.build_id();
    let loaded = Loaded { code: code.addresses.clone(), offset: code.offset, file: path.into_owned(), build_id };
    Ok((places, Some(loaded)))
}

/// A part of the memory of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Region {
    addresses: Range<u64>,
    /// Where it begins in its file.
    offset: u64,
    executable: bool,
    /// Its file, or a name such as `[vdso]`; empty if it has none.
    path: String,
}

/// Reads what the kernel tells of a process's memory, line by line: `from-to rwxp offset device inode path`.
fn regions(maps: &str) -> Vec<Region> {
    let region = |line: &str| {
        let mut fields = line.splitn(6, ' ');
        let (from, to) = fields.next()?.split_once('-')?;
        let (rights, offset) = (fields.next()?, fields.next()?);
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Region {
            addresses: number(from)?..number(to)?,
            offset: number(offset)?,
            executable: rights.contains('x'),
            path: fields.nth(2).unwrap_or_default().trim_start().to_owned(),
        })
    };
    maps.lines().filter_map(region).collect()
}

/// The begin of a program and its code. A program that tells where it panicked has a copy of its file in memory too, which is read and not
/// run; so it is the begin that comes last before the code.
fn parts<'a>(regions: &'a [Region], path: &str) -> Option<(&'a Region, &'a Region)> {
    let mut own = regions.iter().filter(|region| region.path == path);
    let code = own.clone().find(|region| region.executable)?;
    let first = own.rfind(|region| region.offset == 0 && region.addresses.start <= code.addresses.start)?;
    Some((first, code))
}

fn in_region(regions: &[Region], address: u64) -> Place {
    let region = regions.iter().find(|region| region.addresses.contains(&address) && !region.path.is_empty());
    region.map_or(Place::Unknown, |region| Place::Region(region.path.clone()))
}

/// The functions of a program that lies in memory.
struct Symbols<'a> {
    object: object::File<'a, &'a ReadCache<File>>,
    /// Address in the file, size and number, in the order of the addresses.
    functions: Vec<(u64, u64, SymbolIndex)>,
    /// What is added to an address of the file in memory.
    moved_by: u64,
}

impl<'a> Symbols<'a> {
    /// `start` is where the first byte of the file is in memory.
    fn read(file: &'a ReadCache<File>, start: u64) -> object::Result<Self> {
        let object = object::File::parse(file)?;
        let first = object.segments().find(|segment| segment.file_range().0 == 0);
        let moved_by = start.wrapping_sub(first.map_or(0, |segment| segment.address()));
        let is_function = |symbol: &object::Symbol<'_, '_, _>| symbol.kind() == SymbolKind::Text && symbol.size() > 0;
        let functions = object.symbols().filter(is_function);
        let mut functions: Vec<_> = functions.map(|symbol| (symbol.address(), symbol.size(), symbol.index())).collect();
        functions.sort_unstable_by_key(|(address, size, _)| (*address, *size));
        Ok(Self { object, functions, moved_by })
    }

    fn at(&self, address: u64) -> Option<Place> {
        let address = address.wrapping_sub(self.moved_by);
        let after = self.functions.partition_point(|(start, _, _)| *start <= address);
        let (start, size, index) = self.functions.get(after.checked_sub(1)?)?;
        if address - start >= *size {
            return None;
        }
        let symbol = self.object.symbol_by_index(*index).ok()?;
        symbol.name().ok().map(|name| Place::Function(name.to_owned()))
    }

    fn build_id(&self) -> String {
        hex::encode(self.object.build_id().ok().flatten().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_a_part_of_the_memory() {
        let maps = "\
            7f00-7f10 r--p 00000000 fd:01 42                         /apps/my app\n\
            7f10-7f80 r-xp 00000010 fd:01 42                         /apps/my app\n\
            7f80-7f90 rw-p 00000000 00:00 0 \n\
            7fff-8000 r-xp 00000000 00:00 0                          [vdso]\n";
        let regions = regions(maps);
        assert_eq!(regions.len(), 4);
        let code =
            Region { addresses: 0x7f10..0x7f80, offset: 0x10, executable: true, path: "/apps/my app".to_owned() };
        assert_eq!(regions[1], code);
        assert_eq!(in_region(&regions, 0x7fff), Place::Region("[vdso]".to_owned()));
        assert_eq!(in_region(&regions, 0x7f88), Place::Unknown, "it has no name");
        assert_eq!(in_region(&regions, 0x1), Place::Unknown);
    }

    #[test]
    fn a_copy_of_the_program_in_memory_is_not_taken_for_it() {
        let maps = "\
            7e00-7e90 r--p 00000000 fd:01 42 /app\n\
            7f00-7f10 r--p 00000000 fd:01 42 /app\n\
            7f10-7f80 r-xp 00000010 fd:01 42 /app\n\
            7f90-7fe0 r--p 00000000 fd:01 42 /app\n";
        let regions = regions(maps);
        assert_eq!(parts(&regions, "/app"), Some((&regions[1], &regions[2])));
        assert_eq!(parts(&regions, "/other"), None);
    }

    #[test]
    fn a_program_knows_its_own_functions_in_memory() {
        #[inline(never)]
        fn somewhere_in_this_program(number: u64) -> u64 {
            std::hint::black_box(number) + 1
        }
        let address = somewhere_in_this_program as fn(u64) -> u64 as usize as u64;
        let (places, program) = places(&BTreeSet::from([address, 1])).unwrap();
        assert!(places[&address].name().ends_with("somewhere_in_this_program"), "{:?}", places[&address]);
        assert_eq!(places[&1], Place::Unknown);
        let program = program.unwrap();
        assert!(program.code.contains(&address));
        assert!(!program.build_id.is_empty());
    }
}
