package graph

// Shop is the schema of most tests: all kinds of types, wrappers and
// directives.
const Shop = `
scalar JSON
scalar Time @specifiedBy(url: "https://example.com/time")
enum Status { OPEN PAID @deprecated(reason: "no more") DRAFT }
interface Node { id: ID! tags: [String] }
interface Secret { secret: String @requires(permission: "secret") }
type Order implements Node & Secret {
  id: ID! tags: [String] secret: String status: Status total: Float! count: Int open: Boolean
  note: String @requires(permission: "note")
  lines(first: Int = 10): [Line!]! matrix: [[Int!]]! customer: Customer parent: Order extra: JSON at: Time
  node: Node query: Query
}
type Line { sku: String! price: Float }
type Customer implements Node { id: ID! tags: [String] name: String! best: Order! }
union Thing = Order | Customer
input Filter { status: Status = OPEN ids: [ID!] range: Range = {} }
input Range { from: Int = 1 to: Int }
input By @oneOf { id: ID name: String }
type Query {
  order(id: ID!): Order
  must: Order!
  orders(filter: Filter, limit: Int! = 5, extra: JSON, by: By): [Order]
  things: [Thing!]
  node: Node
  number(x: Float): Int @deprecated
  secret: Int @requires(permission: "secret")
}
type Mutation { pay(id: ID!, nested: [[Int]]): Order refund: Int }
type Subscription {
  orderUpdated(id: ID, status: Status): Order @on(channel: "orders")
  nodes: Node! @on(channel: "nodes") @requires(permission: "nodes")
}
`

// ShopResolvers are the exports that it needs.
var ShopResolvers = []string{
	"Query.order", "Query.must", "Query.orders", "Query.things", "Query.node", "Query.number", "Query.secret",
	"Mutation.pay", "Mutation.refund", "Subscription.orderUpdated", "Subscription.nodes",
}

// Predeclared is the SDL of the directives that every schema has.
const Predeclared = predeclared
