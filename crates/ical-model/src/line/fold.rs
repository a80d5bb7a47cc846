//! Folding a line that is written here: at most 75 octets a line (RFC 5545 section 3.1), never
//! inside a UTF-8 character nor between an escape and what it escapes.

/// Most octets of a physical line, without its line end.
const WIDTH: usize = 75;

/// Appends `content` folded, with CRLF at the end. Says whether it had to fold.
pub(crate) fn fold_into(out: &mut Vec<u8>, content: &[u8]) -> bool {
    let mut rest = content;
    let mut room = WIDTH;
    let mut folded = false;
    while rest.len() > room {
        let cut = cut_before(rest, room);
        let (now, later) = rest.split_at(cut);
        out.extend_from_slice(now);
        out.extend_from_slice(b"\r\n ");
        rest = later;
        folded = true;
        // The continuation's space counts.
        room = WIDTH - 1;
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\r\n");
    folded
}

/// The last place at or before `room` where `line` may be cut; at least 1.
fn cut_before(line: &[u8], room: usize) -> usize {
    let mut best = 0;
    let mut at = 0;
    while at < line.len() {
        let next = at + unit(line.get(at..).unwrap_or_default());
        if next > room {
            break;
        }
        best = next;
        at = next;
    }
    // A unit longer than a line can only be octets that are no UTF-8.
    if best == 0 {
        room.min(line.len())
    } else {
        best
    }
}

/// How many octets from the start of `line` belong together.
fn unit(line: &[u8]) -> usize {
    let character = |line: &[u8]| {
        let tail = line
            .iter()
            .skip(1)
            .take_while(|octet| **octet & 0xC0 == 0x80)
            .count();
        (1 + tail).min(4)
    };
    match line {
        [b'\\' | b'^', rest @ ..] if !rest.is_empty() => 1 + character(rest),
        _ => character(line),
    }
}
