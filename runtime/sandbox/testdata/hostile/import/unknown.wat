;; Functions that the host does not have, among them those that it adds itself.
;;
;; upload: refused "runnel_v1 has no such function" in "runnel_v1.now" at 25
;; upload: refused "runnel_v1 has no such function" in "runnel_v1." at 41
;; upload: refused "runnel_v1 has no such function" in "runnel_v1._runnel_fuel" at 54
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (import "runnel_v1" "now" (func (result i64)))
  (import "runnel_v1" "" (func))
  (import "runnel_v1" "_runnel_fuel" (func (param i64)))
  (memory (export "memory") 1))
