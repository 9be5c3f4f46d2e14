#[runnel::module("syntax.graphql")] //~ syntax.graphql:3:9: expected a type, got `Float`
mod syntax {}

#[runnel::module("cut.graphql")] //~ cut.graphql:3:1: expected `}`, but the file ends
mod cut {}

#[runnel::module("nowhere.graphql")] //~ nowhere.graphql: No such file
mod nowhere {}

#[runnel::module("unsound.graphql")] //~ unsound.graphql:3:13: the type Customer is not declared in this file
//~^ unsound.graphql:4:11: Filter is an input, which cannot be the type of a field
//~^^ unsound.graphql:5:3: Order.id is declared twice, first at 2:3
//~^^^ unsound.graphql:8:23: Order is a type, which cannot be the type of an input
//~^^^^ unsound.graphql:10:6: Order is declared twice, first at 1:6
//~^^^^^ unsound.graphql:12:1: a `schema` block has no place here
//~^^^^^^ unsound.graphql:14:23: Filter is an input, not an interface
//~^^^^^^^ unsound.graphql:14:42: Query.a.b is declared twice, first at 14:34
//~^^^^^^^^ unsound.graphql:16:8: Int is a type of every schema already
mod unsound {}

#[runnel::module] //~ expected
mod pathless {}

fn main() {}
