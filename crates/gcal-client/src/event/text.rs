//! Descriptions: Google keeps them as HTML, the engine as text.
//!
//! Reading drops tags, turns line breaks and paragraphs into lines, resolves entities, and takes
//! out the block that Google writes about a video call. Writing protects whatever of a plain text
//! would be taken for a tag or an entity, so that what is written is what is read.

use sync_engine::model::Text;

/// More characters Google does not take.
pub const DESCRIPTION_LIMIT: usize = 8192;

/// Begins and ends the block about a video call.
const CALL_MARK: &str = "-::~:~::~";

/// A description as text.
pub fn read(html: &str) -> Text {
    Text::new(&without_call(&plain(html)))
}

/// A text as a description: nothing in it reads as markup. Cut at Google's limit.
pub fn write(text: &Text) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut rest = text.as_str();
    while let Some(next) = rest.chars().next() {
        let piece: &str = match next {
            '<' if begins_tag(rest) => "&lt;",
            '&' if entity(rest).is_some() => "&amp;",
            _ => rest.get(..next.len_utf8()).unwrap_or_default(),
        };
        length += piece.chars().count();
        if length > DESCRIPTION_LIMIT {
            break;
        }
        out.push_str(piece);
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    out
}

/// Whether a `<` at the beginning opens a tag, a comment, or closes one. `a < b` does not.
fn begins_tag(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    match chars.next() {
        Some('/') => chars.next().is_some_and(|c| c.is_ascii_alphabetic()),
        Some(c) => c.is_ascii_alphabetic() || c == '!' || c == '?',
        None => false,
    }
}

/// The entity at the beginning, and how many bytes it takes.
fn entity(rest: &str) -> Option<(char, usize)> {
    let body = rest.strip_prefix('&')?;
    let end = body.char_indices().take(12).find(|(_, c)| *c == ';')?.0;
    let name = body.get(..end)?;
    let named = |name: &str| {
        Some(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
            "ndash" => '–',
            "mdash" => '—',
            "hellip" => '…',
            "lsquo" => '‘',
            "rsquo" => '’',
            "ldquo" => '“',
            "rdquo" => '”',
            "bull" => '•',
            "middot" => '·',
            "euro" => '€',
            "copy" => '©',
            "reg" => '®',
            "trade" => '™',
            "deg" => '°',
            "laquo" => '«',
            "raquo" => '»',
            "auml" => 'ä',
            "ouml" => 'ö',
            "uuml" => 'ü',
            "Auml" => 'Ä',
            "Ouml" => 'Ö',
            "Uuml" => 'Ü',
            "szlig" => 'ß',
            "eacute" => 'é',
            "egrave" => 'è',
            _ => return None,
        })
    };
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control() || *c == '\n' || *c == '\t')?
        }
        None => named(name)?,
    };
    Some((
        if character == '\u{a0}' {
            ' '
        } else {
            character
        },
        end + 2,
    ))
}

fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(next) = rest.chars().next() {
        if next == '<' && begins_tag(rest) {
            let tag = tag(rest);
            rest = rest.get(tag.length..).unwrap_or_default();
            match tag.name.as_str() {
                "br" => {
                    out.push('\n');
                    // Some write the break and the line end.
                    rest = rest.strip_prefix('\n').unwrap_or(rest);
                }
                "p" | "div" | "ul" | "ol" | "tr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
                | "blockquote" | "pre" | "hr" => new_line(&mut out),
                "li" if !tag.closing => {
                    new_line(&mut out);
                    out.push_str("- ");
                }
                "style" | "script" | "head" if !tag.closing => {
                    rest = after_closing(rest, &tag.name);
                }
                _ => {}
            }
        } else if let Some((character, length)) = entity(rest) {
            out.push(character);
            rest = rest.get(length..).unwrap_or_default();
        } else {
            out.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

fn new_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

struct Tag {
    name: String,
    closing: bool,
    length: usize,
}

/// The tag at the beginning; one that never ends takes all the rest.
fn tag(rest: &str) -> Tag {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return Tag {
            name: String::new(),
            closing: false,
            length: comment
                .find("-->")
                .map_or(rest.len(), |at| at + "<!---->".len()),
        };
    }
    let closing = rest.starts_with("</");
    let name: String = rest
        .chars()
        .skip(if closing { 2 } else { 1 })
        .take_while(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let mut quote = None;
    let mut length = rest.len();
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (None, '>') => {
                length = at + 1;
                break;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    Tag {
        name: name.to_ascii_lowercase(),
        closing,
        length,
    }
}

fn after_closing<'a>(rest: &'a str, name: &str) -> &'a str {
    let closes = |at: usize| {
        let after = rest.as_bytes().get(at + 2..at + 2 + name.len());
        after.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    };
    match rest.match_indices("</").find(|(at, _)| closes(*at)) {
        Some((at, _)) => {
            let from = rest.get(at..).unwrap_or_default();
            from.find('>')
                .and_then(|end| from.get(end + 1..))
                .unwrap_or_default()
        }
        None => "",
    }
}

/// Without the lines between (and with) two marks; a mark alone stays.
fn without_call(text: &str) -> String {
    let is_mark = |line: &str| line.trim().starts_with(CALL_MARK) && line.trim().ends_with("::-");
    let lines: Vec<&str> = text.lines().collect();
    let marks: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_mark(line))
        .map(|(at, _)| at)
        .collect();
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else {
        return text.to_owned();
    };
    if first == last {
        return text.to_owned();
    }
    lines
        .iter()
        .enumerate()
        .filter(|(at, _)| at < first || at > last)
        .map(|(_, line)| *line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn html_becomes_lines() {
        for (html, text) in [
            ("plain", "plain"),
            ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
            ("a<br>\nb", "a\nb"),
            ("<p>one</p><p>two</p>", "one\ntwo"),
            (
                "<html-blob><u></u>x&nbsp;y&amp;z &lt;w&gt;</html-blob>",
                "x y&z <w>",
            ),
            ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\nc"),
            ("<a href=\"https://x/?a=1>2\">link</a>", "link"),
            ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
            ("a <- b", "a <- b"),
            ("x<!-- no -->y", "xy"),
            ("<style>p { color: red }</style>z", "z"),
            ("&#65;&#x42;&unknown; &", "AB&unknown; &"),
            ("caf&eacute;", "café"),
            ("<b>never ends", "never ends"),
            ("<b never ends", ""),
            ("<Style>p</sTYLE >z<script>1</scrip></SCRIPT>y", "zy"),
            ("<style>ä</styleä>z", "z"),
            ("line\r\nline", "line\nline"),
        ] {
            assert_eq!(read(html).as_str(), text, "{html}");
        }
    }

    #[test]
    fn the_block_about_a_call_is_left_out() {
        let mark = "-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-";
        let html = format!(
            "Agenda<br><br>{mark}<br>Join with Google Meet: https://meet.google.com/x<br>{mark}"
        );
        assert_eq!(read(&html).as_str(), "Agenda");
        assert_eq!(read(&format!("a\n{mark}")).as_str(), format!("a\n{mark}"));
    }

    #[test]
    fn only_what_would_be_markup_is_protected() {
        for (text, html) in [
            ("a & b < c > d", "a & b < c > d"),
            ("<b>", "&lt;b>"),
            ("&amp;", "&amp;amp;"),
            ("R&D; x", "R&D; x"),
            ("</x", "&lt;/x"),
        ] {
            assert_eq!(write(&Text::new(text)), html, "{text}");
        }
    }

    #[test]
    fn a_protected_text_stays_within_the_limit() {
        let text = Text::new(&"<b>".repeat(3000));
        assert!(write(&text).chars().count() <= DESCRIPTION_LIMIT);
    }

    #[test]
    fn what_is_left_out_ten_thousand_times_is_passed_over_once() {
        // Each was once looked for in a copy of all the rest: an hour for this one.
        let html = "<style></style>".repeat(500_000);
        assert_eq!(read(&html).as_str(), "");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "([a-z<>&;/!# \n=\"']|&amp;|&lt;|<b>|</p>|<br>|ä|&#65;){0,60}") {
            let text = Text::new(&text);
            prop_assert_eq!(read(&write(&text)), text);
        }

        #[test]
        fn nothing_makes_it_panic(html in "\\PC{0,200}") {
            let once = read(&html);
            prop_assert_eq!(read(&write(&once)), once);
        }
    }
}
