;; memory.init without a data count.
;;
;; upload: refused "without a data count section" in "function 0" at 34
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"                                ;; a type () -> ()
  "\03\02\01\00"                                      ;; a function of it
  "\05\03\01\00\01"                                   ;; a memory
  "\0a\0e\01\0c\00\41\00\41\00\41\00\fc\08\00\00\0b"  ;; memory.init 0
  "\0b\04\01\01\01\78")                               ;; a passive segment
