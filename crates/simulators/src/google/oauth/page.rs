//! The consent page: account choice, one checkbox per scope, Allow and Cancel,
//! as a plain form that works without scripts.

use std::fmt::Write;

use super::{DECIDE_PATH, Response, short};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;\
    padding:0 1rem}fieldset{border:1px solid #bbb;border-radius:.5rem;margin:1rem 0}\
    label{display:block;padding:.25rem 0}button{font:inherit;padding:.5rem 1.25rem;\
    margin-right:.5rem}small{color:#555}";

/// The page on which a person allows or refuses.
pub(super) fn consent(
    query: &[(String, String)],
    accounts: &[&str],
    scopes: &[String],
    hint: Option<&str>,
) -> Response {
    let mut form = String::new();
    for (key, value) in query {
        let _ = write!(
            form,
            "<input type=\"hidden\" name=\"q.{}\" value=\"{}\">",
            escape(key),
            escape(value)
        );
    }
    form.push_str("<fieldset><legend>Choose an account</legend>");
    let chosen = hint
        .filter(|hint| accounts.contains(hint))
        .or_else(|| accounts.first().copied());
    for account in accounts {
        let checked = if Some(*account) == chosen {
            " checked"
        } else {
            ""
        };
        let _ = write!(
            form,
            "<label><input type=\"radio\" name=\"account\" value=\"{0}\"{checked}> {0}</label>",
            escape(account)
        );
    }
    form.push_str("</fieldset><fieldset><legend>What the app may do</legend>");
    for scope in scopes {
        let _ = write!(
            form,
            "<label><input type=\"checkbox\" name=\"grant\" value=\"{}\" checked> {}</label>",
            escape(scope),
            escape(&short(scope))
        );
    }
    form.push_str("</fieldset>");
    Response::html(
        200,
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <title>Sign in (simulated Google)</title><style>{STYLE}</style></head><body>\
             <h1>Sign in</h1><p><small>This is a simulator, not Google.</small></p>\
             <form method=\"post\" action=\"{DECIDE_PATH}\">{form}\
             <button type=\"submit\" name=\"decision\" value=\"allow\" id=\"allow\">Allow</button>\
             <button type=\"submit\" name=\"decision\" value=\"cancel\" id=\"cancel\">Cancel</button>\
             </form></body></html>"
        ),
    )
}

/// Google's own error page: the client is never told.
pub(super) fn refusal(message: &str) -> Response {
    Response::html(
        400,
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <title>Access blocked</title></head><body><h1>Access blocked</h1>\
             <p>Error 400: {}</p></body></html>",
            escape(message)
        ),
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_query_is_markup() {
        let query = [("state".to_owned(), "\"><script>".to_owned())];
        let page = consent(&query, &["a@b.c"], &["openid".to_owned()], None);
        let text = String::from_utf8(page.body).unwrap();
        assert!(!text.contains("<script>"));
        assert!(text.contains("name=\"grant\" value=\"openid\""));
    }
}
