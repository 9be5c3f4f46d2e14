;; Exports under the names that the host adds.
;;
;; upload: refused "names that begin with _runnel are reserved" in "_runnel_fuel" at 65
;; upload: refused "names that begin with _runnel are reserved" in "_runnel_pages" at 80
;; upload: refused "names that begin with _runnel are reserved" in "_runnel_global_0" at 96
;; upload: refused "names that begin with _runnel are reserved" in "_runnel_start" at 115
;; upload: refused "names that begin with _runnel are reserved" in "_runnel" at 131
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (global (export "_runnel_fuel") (mut i64) (i64.const 9223372036854775807))
  (global (export "_runnel_pages") (mut i64) (i64.const 65536))
  (global (export "_runnel_global_0") (mut i64) (i64.const 0))
  (func (export "_runnel_start"))
  (func (export "_runnel")))
