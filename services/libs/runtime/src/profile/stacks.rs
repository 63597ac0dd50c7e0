//! What was seen: stacks of functions, each with how often.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A profile whose functions have names.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// When the watching began.
    pub(super) began: SystemTime,
    /// How long it went on.
    pub(super) lasted: Duration,
    /// Samples in each second of CPU time.
    pub(super) frequency: u32,
    /// The stacks.
    pub(super) stacks: Vec<Stack>,
    /// What is at each address that is in a stack.
    pub(super) places: BTreeMap<u64, Place>,
    /// The program in the memory of the process, if that could be found out.
    pub(super) program: Option<Loaded>,
}

/// One way through the program, and how often it was met.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// The name of the thread.
    pub(super) thread: String,
    /// Where each function of it was, the innermost first.
    pub(super) addresses: Vec<u64>,
    /// Whether there were more functions, outside of those that were written down.
    pub(super) cut: bool,
    /// How often.
    pub(super) samples: u64,
}

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A function of the program, by the name that the linker knows.
    Function(String),
    /// Something else that has a name, such as the kernel's part of the process.
    Region(String),
    /// Nothing that is known.
    Unknown,
}

impl Place {
    /// For people: paths and types without the compiler's hash.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Function(symbol) => format!("{:#}", rustc_demangle::demangle(symbol)),
            Self::Region(name) => name.clone(),
            Self::Unknown => "[unknown]".to_owned(),
        }
    }

    /// As the linker knows it.
    pub(super) fn symbol(&self) -> &str {
        match self {
            Self::Function(symbol) => symbol,
            Self::Region(name) => name,
            Self::Unknown => "[unknown]",
        }
    }
}

/// Where a program lies in memory, and which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loaded {
    /// From the first to one after the last address of its code.
    pub(super) code: std::ops::Range<u64>,
    /// Where that begins in the file.
    pub(super) offset: u64,
    /// The file.
    pub(super) file: String,
    /// What the linker named this very build, in hexadecimal digits.
    pub(super) build_id: String,
}

impl Profile {
    /// How often anything was met.
    pub(super) fn samples(&self) -> u64 {
        self.stacks.iter().map(|stack| stack.samples).sum()
    }

    /// The CPU time that these samples stand for.
    pub(super) fn cpu_time(&self) -> Duration {
        self.period() * u32::try_from(self.samples()).unwrap_or(u32::MAX)
    }

    /// The CPU time that one sample stands for.
    pub(super) fn period(&self) -> Duration {
        Duration::from_secs(1) / self.frequency.max(1)
    }

    /// What is at this address.
    pub(super) fn place(&self, address: u64) -> &Place {
        self.places.get(&address).unwrap_or(&Place::Unknown)
    }
}
