//! The members that an operator's template adds to problem documents: JSON whose strings are templates.

use crate::config::Json;
use crate::template::{Parser, Position};

/// Reads members, each with a comma before it.
pub(super) fn read<'n>(parser: &mut Parser<'n>, members: &'n [(String, Json)]) {
    for member in members {
        parser.around().markup(",");
        read_member(parser, member);
    }
}

fn read_member<'n>(parser: &mut Parser<'n>, (key, value): &'n (String, Json)) {
    parser
        .around()
        .markup("\"")
        .put(Position::Json, key)
        .markup("\":");
    read_value(parser, value);
}

fn read_value<'n>(parser: &mut Parser<'n>, value: &'n Json) {
    match value {
        Json::Null | Json::Bool(_) | Json::Whole(_) => {
            parser.around().put(Position::Json, &value.to_string());
        }
        Json::Number(number) => {
            let number = crate::config::number(*number);
            parser.around().put(Position::Json, &number);
        }
        Json::String(source) => {
            parser.around().markup("\"");
            parser.read(source);
            parser.around().markup("\"");
        }
        Json::List(items) => {
            parser.around().markup("[");
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    parser.around().markup(",");
                }
                read_value(parser, item);
            }
            parser.around().markup("]");
        }
        Json::Object(entries) => {
            parser.around().markup("{");
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    parser.around().markup(",");
                }
                read_member(parser, entry);
            }
            parser.around().markup("}");
        }
    }
}
