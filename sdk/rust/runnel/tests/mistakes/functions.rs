#[runnel::module("orders.graphql")]
mod orders {
    use runnel::prelude::*;

    #[subscription]
    async fn order_updated() -> Outcome<Order> { //~ a resolver cannot be async: a resolver waits for nothing
        skip()
    }

    #[query]
    fn count<T: Default>() -> Outcome<i32> { //~ a resolver cannot be generic: its types are the schema's
        deliver(1)
    }

    #[query("count")]
    fn count_again() -> Outcome<i32> { //~ Query.count has two resolvers
        deliver(2)
    }
}

fn main() {}
