use runnel::{FromJson, ToJson};

#[derive(FromJson)]
struct Pair(i32, i32); //~ this derive works for structs with named fields

#[derive(ToJson)]
enum Choice { //~ this derive works for structs with named fields
    One,
}

#[derive(FromJson)]
struct Text<'a> { //~ this derive works for structs without type parameters or lifetimes
    text: &'a str,
}

struct Opaque;

#[derive(FromJson)]
struct Holder {
    opaque: Opaque, //~ the trait bound `Opaque: FromJson` is not satisfied
}

fn main() {}
