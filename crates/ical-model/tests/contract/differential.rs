//! Another parser's word for it, where that parser can be trusted: one property a line, short enough
//! not to fold, ASCII, no quotes, no colon at the value's start, no unknown components.

use ical::IcalParser;
use proptest::prelude::*;

use ical_model::Limits;
use ical_model::component::Document;
use ical_model::line::ParamValue;

fn property() -> impl Strategy<Value = String> {
    let parameter = "[A-Z][A-Z-]{0,8}=[a-zA-Z0-9/+.-]{1,10}(,[a-z]{1,4}){0,3}";
    let parameters = proptest::collection::vec(parameter, 0..3);
    ("X-[A-Z]{1,10}", parameters, "[!#-9<-~][ -!#-~]{0,20}[!#-~]").prop_map(
        |(name, parameters, value)| {
            let mut line = name;
            for parameter in parameters {
                line.push(';');
                line.push_str(&parameter);
            }
            line.push(':');
            line.push_str(&value);
            line
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn properties_are_cut_where_another_parser_cuts_them(
        lines in proptest::collection::vec(property(), 1..12)
    ) {
        let mut text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n".to_owned();
        for line in &lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("END:VEVENT\r\nEND:VCALENDAR\r\n");

        let theirs = IcalParser::new(text.as_bytes()).next().unwrap().unwrap();
        let theirs: Vec<_> = theirs.events[0]
            .properties
            .iter()
            .map(|property| {
                let parameters = property.params.clone().unwrap_or_default();
                (property.name.clone(), parameters, property.value.clone().unwrap_or_default())
            })
            .collect();

        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        let calendar = document.components().next().unwrap();
        let event = calendar.components().next().unwrap();
        let ours: Vec<_> = event
            .lines()
            .map(|line| {
                let parameters: Vec<_> = line
                    .parameters()
                    .iter()
                    .map(|parameter| {
                        let values = parameter.values.iter().map(ParamValue::text);
                        (parameter.name.clone(), values.collect::<Vec<_>>())
                    })
                    .collect();
                (line.name(), parameters, line.value().into_owned())
            })
            .collect();
        prop_assert_eq!(ours, theirs);
    }
}
