;; A loop that publishes for ever; nothing goes out.
;;
;; upload: admitted
;; run Mutation.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used" published 0
(module
  (@custom "runnel.schema"
    "type Mutation { f: String }\n"
    "type Subscription { ok: String @on(channel: \"c\") }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func (export "Mutation.f") (result i32)
    (loop $again
      (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4)))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
