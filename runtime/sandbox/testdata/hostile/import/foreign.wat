;; Imports of other modules, and of what is no function.
;;
;; upload: refused "is not there to import" in "env.abort" at 21
;; upload: refused "imports a table" in "env.table" at 33
;; upload: refused "imports a global" in "env.__stack_pointer" at 47
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (import "env" "abort" (func (param i32 i32 i32 i32)))
  (import "env" "table" (table 1 funcref))
  (import "env" "__stack_pointer" (global (mut i32)))
  (memory (export "memory") 1))
