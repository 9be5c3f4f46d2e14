;; Host functions by other types than theirs.
;;
;; upload: refused "is imported with the type (i32) -> (); it is (i32, i32) -> ()" in "runnel_v1.output" at 35
;; upload: refused "it is (i32, i32, i32) -> i32" in "runnel_v1.input" at 54
;; upload: refused "it is (i32, i32, i32) -> ()" in "runnel_v1.log" at 72
;; upload: refused "it is (i32, i32) -> i32" in "runnel_v1.permitted" at 88
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func (param i32)))
  (import "runnel_v1" "input" (func (param i32 i64 i32) (result i32)))
  (import "runnel_v1" "log" (func (param i32 i32 i32) (result i32)))
  (import "runnel_v1" "permitted" (func))
  (memory (export "memory") 1))
