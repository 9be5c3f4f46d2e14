;; Verdicts that there are not, those which are right in other places only, and deliver without an
;; output.
;;
;; upload: admitted
;; run Subscription.four: BAD_OUTPUT "4 is no verdict"
;; run Subscription.minusOne: BAD_OUTPUT "-1 is no verdict"
;; run Subscription.smallest: BAD_OUTPUT "-2147483648 is no verdict"
;; run Subscription.largest: BAD_OUTPUT "2147483647 is no verdict"
;; run Subscription.byte: BAD_OUTPUT "256 is no verdict"
;; run Subscription.word: BAD_OUTPUT "65537 is no verdict"
;; run Subscription.nothing: BAD_OUTPUT "verdict 1 (deliver) without an output"
;; run Subscription.complete: complete
;; run Query.complete: BAD_OUTPUT "verdict 3 (complete) is for Subscription resolvers"
;; run Mutation.complete: BAD_OUTPUT "verdict 3 (complete) is for Subscription resolvers"
;; run Mutation.nothing: BAD_OUTPUT "verdict 1 (deliver) without an output"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "four: String @on(channel: \"c\")\n"
    "minusOne: String @on(channel: \"c\")\n"
    "smallest: String @on(channel: \"c\")\n"
    "largest: String @on(channel: \"c\")\n"
    "byte: String @on(channel: \"c\")\n"
    "word: String @on(channel: \"c\")\n"
    "nothing: String @on(channel: \"c\")\n"
    "complete: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n"
    "type Query { complete: String }\n"
    "type Mutation { complete: String nothing: String }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.four") (result i32) (i32.const 4))
  (func (export "Subscription.minusOne") (result i32) (i32.const -1))
  (func (export "Subscription.smallest") (result i32) (i32.const 0x80000000))
  (func (export "Subscription.largest") (result i32) (i32.const 0x7fffffff))
  (func (export "Subscription.byte") (result i32) (i32.const 256))
  (func (export "Subscription.word") (result i32) (i32.const 0x10001))
  (func (export "Subscription.nothing") (result i32) (i32.const 1))
  (func (export "Subscription.complete") (result i32) (i32.const 3))
  (func (export "Query.complete") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 3))
  (func (export "Mutation.complete") (result i32) (i32.const 3))
  (func (export "Mutation.nothing") (result i32) (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
