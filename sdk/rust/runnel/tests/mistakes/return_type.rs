#[runnel::module("orders.graphql")]
mod orders {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated(event: Event<Order>) -> Outcome<f64> { //~ Order>` | the resolver delivers `f64`
        deliver(event.read()?.total.unwrap_or(0.0))
    }

    #[query]
    fn count() -> i32 { //~ mismatched types
        1
    }
}

#[runnel::module("orders.graphql")]
mod nothing {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated() { //~ a resolver returns an Outcome
    }

    #[query]
    fn count() -> Outcome<Option<i32>> { //~ the schema declares this field as `i32` | the resolver delivers `Option<i32>`
        deliver(None)
    }
}

fn main() {}
