;; A component instead of a module.
;;
;; upload: refused "not supported: binary format version" at 4
(module binary
  "\00asm\0d\00\01\00")
