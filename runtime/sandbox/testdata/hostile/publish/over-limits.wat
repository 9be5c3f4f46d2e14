;; More events than publishesPerRun, and one larger than eventBytes: publish gives 1, and what was
;; taken goes out.
;;
;; upload: admitted
;; run Mutation.many: deliver "\"ok\"" published 16
;; run Mutation.large: deliver "\"ok\"" published 1
;; run Mutation.huge: deliver "\"ok\"" published 0
(module
  (@custom "runnel.schema"
    "type Mutation {\n"
    "many: String\n"
    "large: String\n"
    "huge: String\n"
    "}\n"
    "type Subscription { ok: String @on(channel: \"c\") }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func $result (param $good i32) (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (select (i32.const 1) (i32.const 9) (local.get $good)))
  (func (export "Mutation.many") (result i32) (local $taken i32) (local $n i32)
    (loop $again
      (local.set $taken (i32.add (local.get $taken)
        (i32.eqz (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4)))))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
    (call $result (i32.eq (local.get $taken) (i32.const 16))))
  (func (export "Mutation.large") (result i32)
    (memory.fill (i32.const 1024) (i32.const 0x31) (i32.const 65537))
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 1024) (i32.const 65536)))
    (call $result (i32.eq (i32.const 1) (call $publish (i32.const 32) (i32.const 1) (i32.const 1024) (i32.const 65537)))))
  (func (export "Mutation.huge") (result i32)
    (drop (memory.grow (i32.const 200)))
    (call $result (i32.eq (i32.const 1) (call $publish (i32.const 32) (i32.const 1) (i32.const 0) (i32.const 0x800000)))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
