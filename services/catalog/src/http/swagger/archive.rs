//! Files in a ZIP archive, as they are packed there (RFC 1951), and how to send them so (RFC 1952).

use bytes::{BufMut as _, Bytes, BytesMut};

/// A file in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed<'a> {
    deflated: Deflated<'a>,
    checksum: u32,
    length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deflated<'a> {
    /// It was worth it.
    Yes(&'a [u8]),
    /// It is as it is; in an archive that is said for each file.
    No(&'a [u8]),
}

/// The file whose path ends so, from the directory at the end of the archive. None if there is none, or the archive is none.
pub(super) fn find<'a>(archive: &'a [u8], path_end: &str) -> Option<Packed<'a>> {
    let end = archive.windows(4).rposition(|signature| signature == b"PK\x05\x06")?;
    let mut files = usize::from(u16_at(archive, end + 10)?);
    let mut entry = index(u32_at(archive, end + 16)?)?;
    while files > 0 && archive.get(entry..entry + 4)? == b"PK\x01\x02" {
        let name_length = usize::from(u16_at(archive, entry + 28)?);
        let name = archive.get(entry + 46..entry + 46 + name_length)?;
        if name.ends_with(path_end.as_bytes()) {
            return unpacked(archive, entry);
        }
        let (extra, comment) = (u16_at(archive, entry + 30)?, u16_at(archive, entry + 32)?);
        entry += 46 + name_length + usize::from(extra) + usize::from(comment);
        files -= 1;
    }
    None
}

/// What the entry of the directory describes.
fn unpacked(archive: &[u8], entry: usize) -> Option<Packed<'_>> {
    let local = index(u32_at(archive, entry + 42)?)?;
    let (name, extra) = (u16_at(archive, local + 26)?, u16_at(archive, local + 28)?);
    let begin = local + 30 + usize::from(name) + usize::from(extra);
    let bytes = archive.get(begin..begin + index(u32_at(archive, entry + 20)?)?)?;
    let deflated = match u16_at(archive, entry + 10)? {
        0 if u16::try_from(bytes.len()).is_ok() => Deflated::No(bytes),
        8 => Deflated::Yes(bytes),
        _ => return None,
    };
    Some(Packed { deflated, checksum: u32_at(archive, entry + 16)?, length: u32_at(archive, entry + 24)? })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn index(offset: u32) -> Option<usize> {
    usize::try_from(offset).ok()
}

impl Packed<'_> {
    /// The checksum of what is packed.
    pub(super) const fn checksum(self) -> u32 {
        self.checksum
    }

    /// The same bytes as a gzip file.
    pub(super) fn to_gzip(self) -> Bytes {
        let (Deflated::Yes(bytes) | Deflated::No(bytes)) = self.deflated;
        let mut gzip = BytesMut::with_capacity(bytes.len() + 23);
        // Signature, deflated, no flags, no time, no hints, an unknown system.
        gzip.put_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
        if let (Deflated::No(_), Ok(length)) = (self.deflated, u16::try_from(bytes.len())) {
            // One block, the last one, of bytes as they are.
            gzip.put_u8(1);
            gzip.put_u16_le(length);
            gzip.put_u16_le(!length);
        }
        gzip.put_slice(bytes);
        gzip.put_u32_le(self.checksum);
        gzip.put_u32_le(self.length);
        gzip.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_has_no_files() {
        for bytes in [
            &b""[..],
            b"PK",
            b"PK\x05\x06",
            &[0xff; 100],
            b"PK\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(find(bytes, "x"), None);
        }
    }
}
