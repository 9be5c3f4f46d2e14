#[runnel::module("orders.graphql")] //~ orders.graphql:12:3: Query.count has no resolver; write: #[query] fn count(…) -> Outcome<i32>
pub mod orders {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated(event: Event<Order>) -> Outcome<Order> {
        deliver(event.read()?)
    }
}

fn main() {
    let _ = orders::Order::default();
}
