;; An instruction that there is not.
;;
;; upload: refused "unknown opcode 0x27" in "function 0" at 23
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"     ;; a type () -> ()
  "\03\02\01\00"           ;; a function of it
  "\0a\05\01\03\00\27\0b") ;; the body
