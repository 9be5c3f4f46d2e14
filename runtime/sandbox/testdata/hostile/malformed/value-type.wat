;; A local of a type that there is not.
;;
;; upload: refused "bad value type 0x6d" in "function 0" at 24
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"        ;; a type () -> ()
  "\03\02\01\00"              ;; a function of it
  "\0a\06\01\04\01\01\6d\0b") ;; the body
