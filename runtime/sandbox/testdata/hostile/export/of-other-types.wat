;; Resolvers and _initialize of types that they do not have, resolvers that are no functions, and a
;; memory that is none.
;;
;; upload: refused "a resolver must have the type () -> i32, it has (i32) -> i32" in "Subscription.parameter" at 58
;; upload: refused "it has () -> i64" in "Subscription.wide" at 83
;; upload: refused "it has () -> (i32, i32)" in "Subscription.two" at 103
;; upload: refused "it has () -> ()" in "Subscription.none" at 122
;; upload: refused "a resolver must be a function, it is a global" in "Subscription.global" at 142
;; upload: refused "must be a function of type () -> ()" in "_initialize" at 164
;; upload: refused "the export memory must be a memory, it is a func" in "memory" at 178
;; upload: refused "the module exports no memory named \"memory\""
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (func (export "Subscription.parameter") (param i32) (result i32) (i32.const 0))
  (func (export "Subscription.wide") (result i64) (i64.const 0))
  (func (export "Subscription.two") (result i32 i32) (i32.const 0) (i32.const 0))
  (func (export "Subscription.none"))
  (global (export "Subscription.global") i32 (i32.const 0))
  (func (export "_initialize") (result i32) (i32.const 0))
  (func (export "memory"))
  (memory 1))
