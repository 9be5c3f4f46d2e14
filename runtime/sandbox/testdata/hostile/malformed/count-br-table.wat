;; A br_table of 4 billion labels.
;;
;; upload: refused "labels declared" in "function 0" at 26
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"                          ;; a type () -> ()
  "\03\02\01\00"                                ;; a function of it
  "\0a\0c\01\0a\00\41\00\0e\ff\ff\ff\ff\0f\0b") ;; the body
