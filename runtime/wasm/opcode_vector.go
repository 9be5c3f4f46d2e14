package wasm

// The instructions behind the prefix 0xfd.
const (
	OpV128Load                  Opcode = 0xfd00
	OpV128Load8x8S              Opcode = 0xfd01
	OpV128Load8x8U              Opcode = 0xfd02
	OpV128Load16x4S             Opcode = 0xfd03
	OpV128Load16x4U             Opcode = 0xfd04
	OpV128Load32x2S             Opcode = 0xfd05
	OpV128Load32x2U             Opcode = 0xfd06
	OpV128Load8Splat            Opcode = 0xfd07
	OpV128Load16Splat           Opcode = 0xfd08
	OpV128Load32Splat           Opcode = 0xfd09
	OpV128Load64Splat           Opcode = 0xfd0a
	OpV128Store                 Opcode = 0xfd0b
	OpV128Const                 Opcode = 0xfd0c
	OpI8x16Shuffle              Opcode = 0xfd0d
	OpI8x16Swizzle              Opcode = 0xfd0e
	OpI8x16Splat                Opcode = 0xfd0f
	OpI16x8Splat                Opcode = 0xfd10
	OpI32x4Splat                Opcode = 0xfd11
	OpI64x2Splat                Opcode = 0xfd12
	OpF32x4Splat                Opcode = 0xfd13
	OpF64x2Splat                Opcode = 0xfd14
	OpI8x16ExtractLaneS         Opcode = 0xfd15
	OpI8x16ExtractLaneU         Opcode = 0xfd16
	OpI8x16ReplaceLane          Opcode = 0xfd17
	OpI16x8ExtractLaneS         Opcode = 0xfd18
	OpI16x8ExtractLaneU         Opcode = 0xfd19
	OpI16x8ReplaceLane          Opcode = 0xfd1a
	OpI32x4ExtractLane          Opcode = 0xfd1b
	OpI32x4ReplaceLane          Opcode = 0xfd1c
	OpI64x2ExtractLane          Opcode = 0xfd1d
	OpI64x2ReplaceLane          Opcode = 0xfd1e
	OpF32x4ExtractLane          Opcode = 0xfd1f
	OpF32x4ReplaceLane          Opcode = 0xfd20
	OpF64x2ExtractLane          Opcode = 0xfd21
	OpF64x2ReplaceLane          Opcode = 0xfd22
	OpI8x16Eq                   Opcode = 0xfd23
	OpI8x16Ne                   Opcode = 0xfd24
	OpI8x16LtS                  Opcode = 0xfd25
	OpI8x16LtU                  Opcode = 0xfd26
	OpI8x16GtS                  Opcode = 0xfd27
	OpI8x16GtU                  Opcode = 0xfd28
	OpI8x16LeS                  Opcode = 0xfd29
	OpI8x16LeU                  Opcode = 0xfd2a
	OpI8x16GeS                  Opcode = 0xfd2b
	OpI8x16GeU                  Opcode = 0xfd2c
	OpI16x8Eq                   Opcode = 0xfd2d
	OpI16x8Ne                   Opcode = 0xfd2e
	OpI16x8LtS                  Opcode = 0xfd2f
	OpI16x8LtU                  Opcode = 0xfd30
	OpI16x8GtS                  Opcode = 0xfd31
	OpI16x8GtU                  Opcode = 0xfd32
	OpI16x8LeS                  Opcode = 0xfd33
	OpI16x8LeU                  Opcode = 0xfd34
	OpI16x8GeS                  Opcode = 0xfd35
	OpI16x8GeU                  Opcode = 0xfd36
	OpI32x4Eq                   Opcode = 0xfd37
	OpI32x4Ne                   Opcode = 0xfd38
	OpI32x4LtS                  Opcode = 0xfd39
	OpI32x4LtU                  Opcode = 0xfd3a
	OpI32x4GtS                  Opcode = 0xfd3b
	OpI32x4GtU                  Opcode = 0xfd3c
	OpI32x4LeS                  Opcode = 0xfd3d
	OpI32x4LeU                  Opcode = 0xfd3e
	OpI32x4GeS                  Opcode = 0xfd3f
	OpI32x4GeU                  Opcode = 0xfd40
	OpF32x4Eq                   Opcode = 0xfd41
	OpF32x4Ne                   Opcode = 0xfd42
	OpF32x4Lt                   Opcode = 0xfd43
	OpF32x4Gt                   Opcode = 0xfd44
	OpF32x4Le                   Opcode = 0xfd45
	OpF32x4Ge                   Opcode = 0xfd46
	OpF64x2Eq                   Opcode = 0xfd47
	OpF64x2Ne                   Opcode = 0xfd48
	OpF64x2Lt                   Opcode = 0xfd49
	OpF64x2Gt                   Opcode = 0xfd4a
	OpF64x2Le                   Opcode = 0xfd4b
	OpF64x2Ge                   Opcode = 0xfd4c
	OpV128Not                   Opcode = 0xfd4d
	OpV128And                   Opcode = 0xfd4e
	OpV128Andnot                Opcode = 0xfd4f
	OpV128Or                    Opcode = 0xfd50
	OpV128Xor                   Opcode = 0xfd51
	OpV128Bitselect             Opcode = 0xfd52
	OpV128AnyTrue               Opcode = 0xfd53
	OpV128Load8Lane             Opcode = 0xfd54
	OpV128Load16Lane            Opcode = 0xfd55
	OpV128Load32Lane            Opcode = 0xfd56
	OpV128Load64Lane            Opcode = 0xfd57
	OpV128Store8Lane            Opcode = 0xfd58
	OpV128Store16Lane           Opcode = 0xfd59
	OpV128Store32Lane           Opcode = 0xfd5a
	OpV128Store64Lane           Opcode = 0xfd5b
	OpV128Load32Zero            Opcode = 0xfd5c
	OpV128Load64Zero            Opcode = 0xfd5d
	OpF32x4DemoteF64x2Zero      Opcode = 0xfd5e
	OpF64x2PromoteLowF32x4      Opcode = 0xfd5f
	OpI8x16Abs                  Opcode = 0xfd60
	OpI8x16Neg                  Opcode = 0xfd61
	OpI8x16Popcnt               Opcode = 0xfd62
	OpI8x16AllTrue              Opcode = 0xfd63
	OpI8x16Bitmask              Opcode = 0xfd64
	OpI8x16NarrowI16x8S         Opcode = 0xfd65
	OpI8x16NarrowI16x8U         Opcode = 0xfd66
	OpF32x4Ceil                 Opcode = 0xfd67
	OpF32x4Floor                Opcode = 0xfd68
	OpF32x4Trunc                Opcode = 0xfd69
	OpF32x4Nearest              Opcode = 0xfd6a
	OpI8x16Shl                  Opcode = 0xfd6b
	OpI8x16ShrS                 Opcode = 0xfd6c
	OpI8x16ShrU                 Opcode = 0xfd6d
	OpI8x16Add                  Opcode = 0xfd6e
	OpI8x16AddSatS              Opcode = 0xfd6f
	OpI8x16AddSatU              Opcode = 0xfd70
	OpI8x16Sub                  Opcode = 0xfd71
	OpI8x16SubSatS              Opcode = 0xfd72
	OpI8x16SubSatU              Opcode = 0xfd73
	OpF64x2Ceil                 Opcode = 0xfd74
	OpF64x2Floor                Opcode = 0xfd75
	OpI8x16MinS                 Opcode = 0xfd76
	OpI8x16MinU                 Opcode = 0xfd77
	OpI8x16MaxS                 Opcode = 0xfd78
	OpI8x16MaxU                 Opcode = 0xfd79
	OpF64x2Trunc                Opcode = 0xfd7a
	OpI8x16AvgrU                Opcode = 0xfd7b
	OpI16x8ExtaddPairwiseI8x16S Opcode = 0xfd7c
	OpI16x8ExtaddPairwiseI8x16U Opcode = 0xfd7d
	OpI32x4ExtaddPairwiseI16x8S Opcode = 0xfd7e
	OpI32x4ExtaddPairwiseI16x8U Opcode = 0xfd7f
	OpI16x8Abs                  Opcode = 0xfd80
	OpI16x8Neg                  Opcode = 0xfd81
	OpI16x8Q15mulrSatS          Opcode = 0xfd82
	OpI16x8AllTrue              Opcode = 0xfd83
	OpI16x8Bitmask              Opcode = 0xfd84
	OpI16x8NarrowI32x4S         Opcode = 0xfd85
	OpI16x8NarrowI32x4U         Opcode = 0xfd86
	OpI16x8ExtendLowI8x16S      Opcode = 0xfd87
	OpI16x8ExtendHighI8x16S     Opcode = 0xfd88
	OpI16x8ExtendLowI8x16U      Opcode = 0xfd89
	OpI16x8ExtendHighI8x16U     Opcode = 0xfd8a
	OpI16x8Shl                  Opcode = 0xfd8b
	OpI16x8ShrS                 Opcode = 0xfd8c
	OpI16x8ShrU                 Opcode = 0xfd8d
	OpI16x8Add                  Opcode = 0xfd8e
	OpI16x8AddSatS              Opcode = 0xfd8f
	OpI16x8AddSatU              Opcode = 0xfd90
	OpI16x8Sub                  Opcode = 0xfd91
	OpI16x8SubSatS              Opcode = 0xfd92
	OpI16x8SubSatU              Opcode = 0xfd93
	OpF64x2Nearest              Opcode = 0xfd94
	OpI16x8Mul                  Opcode = 0xfd95
	OpI16x8MinS                 Opcode = 0xfd96
	OpI16x8MinU                 Opcode = 0xfd97
	OpI16x8MaxS                 Opcode = 0xfd98
	OpI16x8MaxU                 Opcode = 0xfd99
	OpI16x8AvgrU                Opcode = 0xfd9b
	OpI16x8ExtmulLowI8x16S      Opcode = 0xfd9c
	OpI16x8ExtmulHighI8x16S     Opcode = 0xfd9d
	OpI16x8ExtmulLowI8x16U      Opcode = 0xfd9e
	OpI16x8ExtmulHighI8x16U     Opcode = 0xfd9f
	OpI32x4Abs                  Opcode = 0xfda0
	OpI32x4Neg                  Opcode = 0xfda1
	OpI32x4AllTrue              Opcode = 0xfda3
	OpI32x4Bitmask              Opcode = 0xfda4
	OpI32x4ExtendLowI16x8S      Opcode = 0xfda7
	OpI32x4ExtendHighI16x8S     Opcode = 0xfda8
	OpI32x4ExtendLowI16x8U      Opcode = 0xfda9
	OpI32x4ExtendHighI16x8U     Opcode = 0xfdaa
	OpI32x4Shl                  Opcode = 0xfdab
	OpI32x4ShrS                 Opcode = 0xfdac
	OpI32x4ShrU                 Opcode = 0xfdad
	OpI32x4Add                  Opcode = 0xfdae
	OpI32x4Sub                  Opcode = 0xfdb1
	OpI32x4Mul                  Opcode = 0xfdb5
	OpI32x4MinS                 Opcode = 0xfdb6
	OpI32x4MinU                 Opcode = 0xfdb7
	OpI32x4MaxS                 Opcode = 0xfdb8
	OpI32x4MaxU                 Opcode = 0xfdb9
	OpI32x4DotI16x8S            Opcode = 0xfdba
	OpI32x4ExtmulLowI16x8S      Opcode = 0xfdbc
	OpI32x4ExtmulHighI16x8S     Opcode = 0xfdbd
	OpI32x4ExtmulLowI16x8U      Opcode = 0xfdbe
	OpI32x4ExtmulHighI16x8U     Opcode = 0xfdbf
	OpI64x2Abs                  Opcode = 0xfdc0
	OpI64x2Neg                  Opcode = 0xfdc1
	OpI64x2AllTrue              Opcode = 0xfdc3
	OpI64x2Bitmask              Opcode = 0xfdc4
	OpI64x2ExtendLowI32x4S      Opcode = 0xfdc7
	OpI64x2ExtendHighI32x4S     Opcode = 0xfdc8
	OpI64x2ExtendLowI32x4U      Opcode = 0xfdc9
	OpI64x2ExtendHighI32x4U     Opcode = 0xfdca
	OpI64x2Shl                  Opcode = 0xfdcb
	OpI64x2ShrS                 Opcode = 0xfdcc
	OpI64x2ShrU                 Opcode = 0xfdcd
	OpI64x2Add                  Opcode = 0xfdce
	OpI64x2Sub                  Opcode = 0xfdd1
	OpI64x2Mul                  Opcode = 0xfdd5
	OpI64x2Eq                   Opcode = 0xfdd6
	OpI64x2Ne                   Opcode = 0xfdd7
	OpI64x2LtS                  Opcode = 0xfdd8
	OpI64x2GtS                  Opcode = 0xfdd9
	OpI64x2LeS                  Opcode = 0xfdda
	OpI64x2GeS                  Opcode = 0xfddb
	OpI64x2ExtmulLowI32x4S      Opcode = 0xfddc
	OpI64x2ExtmulHighI32x4S     Opcode = 0xfddd
	OpI64x2ExtmulLowI32x4U      Opcode = 0xfdde
	OpI64x2ExtmulHighI32x4U     Opcode = 0xfddf
	OpF32x4Abs                  Opcode = 0xfde0
	OpF32x4Neg                  Opcode = 0xfde1
	OpF32x4Sqrt                 Opcode = 0xfde3
	OpF32x4Add                  Opcode = 0xfde4
	OpF32x4Sub                  Opcode = 0xfde5
	OpF32x4Mul                  Opcode = 0xfde6
	OpF32x4Div                  Opcode = 0xfde7
	OpF32x4Min                  Opcode = 0xfde8
	OpF32x4Max                  Opcode = 0xfde9
	OpF32x4Pmin                 Opcode = 0xfdea
	OpF32x4Pmax                 Opcode = 0xfdeb
	OpF64x2Abs                  Opcode = 0xfdec
	OpF64x2Neg                  Opcode = 0xfded
	OpF64x2Sqrt                 Opcode = 0xfdef
	OpF64x2Add                  Opcode = 0xfdf0
	OpF64x2Sub                  Opcode = 0xfdf1
	OpF64x2Mul                  Opcode = 0xfdf2
	OpF64x2Div                  Opcode = 0xfdf3
	OpF64x2Min                  Opcode = 0xfdf4
	OpF64x2Max                  Opcode = 0xfdf5
	OpF64x2Pmin                 Opcode = 0xfdf6
	OpF64x2Pmax                 Opcode = 0xfdf7
	OpI32x4TruncSatF32x4S       Opcode = 0xfdf8
	OpI32x4TruncSatF32x4U       Opcode = 0xfdf9
	OpF32x4ConvertI32x4S        Opcode = 0xfdfa
	OpF32x4ConvertI32x4U        Opcode = 0xfdfb
	OpI32x4TruncSatF64x2SZero   Opcode = 0xfdfc
	OpI32x4TruncSatF64x2UZero   Opcode = 0xfdfd
	OpF64x2ConvertLowI32x4S     Opcode = 0xfdfe
	OpF64x2ConvertLowI32x4U     Opcode = 0xfdff
)

// vectorOperations is indexed by what follows the prefix.
var vectorOperations = [256]operation{
	OpV128Load & 0xff:                  {"v128.load", ImmediateMemoryArgument},
	OpV128Load8x8S & 0xff:              {"v128.load8x8_s", ImmediateMemoryArgument},
	OpV128Load8x8U & 0xff:              {"v128.load8x8_u", ImmediateMemoryArgument},
	OpV128Load16x4S & 0xff:             {"v128.load16x4_s", ImmediateMemoryArgument},
	OpV128Load16x4U & 0xff:             {"v128.load16x4_u", ImmediateMemoryArgument},
	OpV128Load32x2S & 0xff:             {"v128.load32x2_s", ImmediateMemoryArgument},
	OpV128Load32x2U & 0xff:             {"v128.load32x2_u", ImmediateMemoryArgument},
	OpV128Load8Splat & 0xff:            {"v128.load8_splat", ImmediateMemoryArgument},
	OpV128Load16Splat & 0xff:           {"v128.load16_splat", ImmediateMemoryArgument},
	OpV128Load32Splat & 0xff:           {"v128.load32_splat", ImmediateMemoryArgument},
	OpV128Load64Splat & 0xff:           {"v128.load64_splat", ImmediateMemoryArgument},
	OpV128Store & 0xff:                 {"v128.store", ImmediateMemoryArgument},
	OpV128Const & 0xff:                 {"v128.const", ImmediateV128},
	OpI8x16Shuffle & 0xff:              {"i8x16.shuffle", ImmediateShuffle},
	OpI8x16Swizzle & 0xff:              {"i8x16.swizzle", ImmediateNone},
	OpI8x16Splat & 0xff:                {"i8x16.splat", ImmediateNone},
	OpI16x8Splat & 0xff:                {"i16x8.splat", ImmediateNone},
	OpI32x4Splat & 0xff:                {"i32x4.splat", ImmediateNone},
	OpI64x2Splat & 0xff:                {"i64x2.splat", ImmediateNone},
	OpF32x4Splat & 0xff:                {"f32x4.splat", ImmediateNone},
	OpF64x2Splat & 0xff:                {"f64x2.splat", ImmediateNone},
	OpI8x16ExtractLaneS & 0xff:         {"i8x16.extract_lane_s", ImmediateLane},
	OpI8x16ExtractLaneU & 0xff:         {"i8x16.extract_lane_u", ImmediateLane},
	OpI8x16ReplaceLane & 0xff:          {"i8x16.replace_lane", ImmediateLane},
	OpI16x8ExtractLaneS & 0xff:         {"i16x8.extract_lane_s", ImmediateLane},
	OpI16x8ExtractLaneU & 0xff:         {"i16x8.extract_lane_u", ImmediateLane},
	OpI16x8ReplaceLane & 0xff:          {"i16x8.replace_lane", ImmediateLane},
	OpI32x4ExtractLane & 0xff:          {"i32x4.extract_lane", ImmediateLane},
	OpI32x4ReplaceLane & 0xff:          {"i32x4.replace_lane", ImmediateLane},
	OpI64x2ExtractLane & 0xff:          {"i64x2.extract_lane", ImmediateLane},
	OpI64x2ReplaceLane & 0xff:          {"i64x2.replace_lane", ImmediateLane},
	OpF32x4ExtractLane & 0xff:          {"f32x4.extract_lane", ImmediateLane},
	OpF32x4ReplaceLane & 0xff:          {"f32x4.replace_lane", ImmediateLane},
	OpF64x2ExtractLane & 0xff:          {"f64x2.extract_lane", ImmediateLane},
	OpF64x2ReplaceLane & 0xff:          {"f64x2.replace_lane", ImmediateLane},
	OpI8x16Eq & 0xff:                   {"i8x16.eq", ImmediateNone},
	OpI8x16Ne & 0xff:                   {"i8x16.ne", ImmediateNone},
	OpI8x16LtS & 0xff:                  {"i8x16.lt_s", ImmediateNone},
	OpI8x16LtU & 0xff:                  {"i8x16.lt_u", ImmediateNone},
	OpI8x16GtS & 0xff:                  {"i8x16.gt_s", ImmediateNone},
	OpI8x16GtU & 0xff:                  {"i8x16.gt_u", ImmediateNone},
	OpI8x16LeS & 0xff:                  {"i8x16.le_s", ImmediateNone},
	OpI8x16LeU & 0xff:                  {"i8x16.le_u", ImmediateNone},
	OpI8x16GeS & 0xff:                  {"i8x16.ge_s", ImmediateNone},
	OpI8x16GeU & 0xff:                  {"i8x16.ge_u", ImmediateNone},
	OpI16x8Eq & 0xff:                   {"i16x8.eq", ImmediateNone},
	OpI16x8Ne & 0xff:                   {"i16x8.ne", ImmediateNone},
	OpI16x8LtS & 0xff:                  {"i16x8.lt_s", ImmediateNone},
	OpI16x8LtU & 0xff:                  {"i16x8.lt_u", ImmediateNone},
	OpI16x8GtS & 0xff:                  {"i16x8.gt_s", ImmediateNone},
	OpI16x8GtU & 0xff:                  {"i16x8.gt_u", ImmediateNone},
	OpI16x8LeS & 0xff:                  {"i16x8.le_s", ImmediateNone},
	OpI16x8LeU & 0xff:                  {"i16x8.le_u", ImmediateNone},
	OpI16x8GeS & 0xff:                  {"i16x8.ge_s", ImmediateNone},
	OpI16x8GeU & 0xff:                  {"i16x8.ge_u", ImmediateNone},
	OpI32x4Eq & 0xff:                   {"i32x4.eq", ImmediateNone},
	OpI32x4Ne & 0xff:                   {"i32x4.ne", ImmediateNone},
	OpI32x4LtS & 0xff:                  {"i32x4.lt_s", ImmediateNone},
	OpI32x4LtU & 0xff:                  {"i32x4.lt_u", ImmediateNone},
	OpI32x4GtS & 0xff:                  {"i32x4.gt_s", ImmediateNone},
	OpI32x4GtU & 0xff:                  {"i32x4.gt_u", ImmediateNone},
	OpI32x4LeS & 0xff:                  {"i32x4.le_s", ImmediateNone},
	OpI32x4LeU & 0xff:                  {"i32x4.le_u", ImmediateNone},
	OpI32x4GeS & 0xff:                  {"i32x4.ge_s", ImmediateNone},
	OpI32x4GeU & 0xff:                  {"i32x4.ge_u", ImmediateNone},
	OpF32x4Eq & 0xff:                   {"f32x4.eq", ImmediateNone},
	OpF32x4Ne & 0xff:                   {"f32x4.ne", ImmediateNone},
	OpF32x4Lt & 0xff:                   {"f32x4.lt", ImmediateNone},
	OpF32x4Gt & 0xff:                   {"f32x4.gt", ImmediateNone},
	OpF32x4Le & 0xff:                   {"f32x4.le", ImmediateNone},
	OpF32x4Ge & 0xff:                   {"f32x4.ge", ImmediateNone},
	OpF64x2Eq & 0xff:                   {"f64x2.eq", ImmediateNone},
	OpF64x2Ne & 0xff:                   {"f64x2.ne", ImmediateNone},
	OpF64x2Lt & 0xff:                   {"f64x2.lt", ImmediateNone},
	OpF64x2Gt & 0xff:                   {"f64x2.gt", ImmediateNone},
	OpF64x2Le & 0xff:                   {"f64x2.le", ImmediateNone},
	OpF64x2Ge & 0xff:                   {"f64x2.ge", ImmediateNone},
	OpV128Not & 0xff:                   {"v128.not", ImmediateNone},
	OpV128And & 0xff:                   {"v128.and", ImmediateNone},
	OpV128Andnot & 0xff:                {"v128.andnot", ImmediateNone},
	OpV128Or & 0xff:                    {"v128.or", ImmediateNone},
	OpV128Xor & 0xff:                   {"v128.xor", ImmediateNone},
	OpV128Bitselect & 0xff:             {"v128.bitselect", ImmediateNone},
	OpV128AnyTrue & 0xff:               {"v128.any_true", ImmediateNone},
	OpV128Load8Lane & 0xff:             {"v128.load8_lane", ImmediateMemoryArgumentLane},
	OpV128Load16Lane & 0xff:            {"v128.load16_lane", ImmediateMemoryArgumentLane},
	OpV128Load32Lane & 0xff:            {"v128.load32_lane", ImmediateMemoryArgumentLane},
	OpV128Load64Lane & 0xff:            {"v128.load64_lane", ImmediateMemoryArgumentLane},
	OpV128Store8Lane & 0xff:            {"v128.store8_lane", ImmediateMemoryArgumentLane},
	OpV128Store16Lane & 0xff:           {"v128.store16_lane", ImmediateMemoryArgumentLane},
	OpV128Store32Lane & 0xff:           {"v128.store32_lane", ImmediateMemoryArgumentLane},
	OpV128Store64Lane & 0xff:           {"v128.store64_lane", ImmediateMemoryArgumentLane},
	OpV128Load32Zero & 0xff:            {"v128.load32_zero", ImmediateMemoryArgument},
	OpV128Load64Zero & 0xff:            {"v128.load64_zero", ImmediateMemoryArgument},
	OpF32x4DemoteF64x2Zero & 0xff:      {"f32x4.demote_f64x2_zero", ImmediateNone},
	OpF64x2PromoteLowF32x4 & 0xff:      {"f64x2.promote_low_f32x4", ImmediateNone},
	OpI8x16Abs & 0xff:                  {"i8x16.abs", ImmediateNone},
	OpI8x16Neg & 0xff:                  {"i8x16.neg", ImmediateNone},
	OpI8x16Popcnt & 0xff:               {"i8x16.popcnt", ImmediateNone},
	OpI8x16AllTrue & 0xff:              {"i8x16.all_true", ImmediateNone},
	OpI8x16Bitmask & 0xff:              {"i8x16.bitmask", ImmediateNone},
	OpI8x16NarrowI16x8S & 0xff:         {"i8x16.narrow_i16x8_s", ImmediateNone},
	OpI8x16NarrowI16x8U & 0xff:         {"i8x16.narrow_i16x8_u", ImmediateNone},
	OpF32x4Ceil & 0xff:                 {"f32x4.ceil", ImmediateNone},
	OpF32x4Floor & 0xff:                {"f32x4.floor", ImmediateNone},
	OpF32x4Trunc & 0xff:                {"f32x4.trunc", ImmediateNone},
	OpF32x4Nearest & 0xff:              {"f32x4.nearest", ImmediateNone},
	OpI8x16Shl & 0xff:                  {"i8x16.shl", ImmediateNone},
	OpI8x16ShrS & 0xff:                 {"i8x16.shr_s", ImmediateNone},
	OpI8x16ShrU & 0xff:                 {"i8x16.shr_u", ImmediateNone},
	OpI8x16Add & 0xff:                  {"i8x16.add", ImmediateNone},
	OpI8x16AddSatS & 0xff:              {"i8x16.add_sat_s", ImmediateNone},
	OpI8x16AddSatU & 0xff:              {"i8x16.add_sat_u", ImmediateNone},
	OpI8x16Sub & 0xff:                  {"i8x16.sub", ImmediateNone},
	OpI8x16SubSatS & 0xff:              {"i8x16.sub_sat_s", ImmediateNone},
	OpI8x16SubSatU & 0xff:              {"i8x16.sub_sat_u", ImmediateNone},
	OpF64x2Ceil & 0xff:                 {"f64x2.ceil", ImmediateNone},
	OpF64x2Floor & 0xff:                {"f64x2.floor", ImmediateNone},
	OpI8x16MinS & 0xff:                 {"i8x16.min_s", ImmediateNone},
	OpI8x16MinU & 0xff:                 {"i8x16.min_u", ImmediateNone},
	OpI8x16MaxS & 0xff:                 {"i8x16.max_s", ImmediateNone},
	OpI8x16MaxU & 0xff:                 {"i8x16.max_u", ImmediateNone},
	OpF64x2Trunc & 0xff:                {"f64x2.trunc", ImmediateNone},
	OpI8x16AvgrU & 0xff:                {"i8x16.avgr_u", ImmediateNone},
	OpI16x8ExtaddPairwiseI8x16S & 0xff: {"i16x8.extadd_pairwise_i8x16_s", ImmediateNone},
	OpI16x8ExtaddPairwiseI8x16U & 0xff: {"i16x8.extadd_pairwise_i8x16_u", ImmediateNone},
	OpI32x4ExtaddPairwiseI16x8S & 0xff: {"i32x4.extadd_pairwise_i16x8_s", ImmediateNone},
	OpI32x4ExtaddPairwiseI16x8U & 0xff: {"i32x4.extadd_pairwise_i16x8_u", ImmediateNone},
	OpI16x8Abs & 0xff:                  {"i16x8.abs", ImmediateNone},
	OpI16x8Neg & 0xff:                  {"i16x8.neg", ImmediateNone},
	OpI16x8Q15mulrSatS & 0xff:          {"i16x8.q15mulr_sat_s", ImmediateNone},
	OpI16x8AllTrue & 0xff:              {"i16x8.all_true", ImmediateNone},
	OpI16x8Bitmask & 0xff:              {"i16x8.bitmask", ImmediateNone},
	OpI16x8NarrowI32x4S & 0xff:         {"i16x8.narrow_i32x4_s", ImmediateNone},
	OpI16x8NarrowI32x4U & 0xff:         {"i16x8.narrow_i32x4_u", ImmediateNone},
	OpI16x8ExtendLowI8x16S & 0xff:      {"i16x8.extend_low_i8x16_s", ImmediateNone},
	OpI16x8ExtendHighI8x16S & 0xff:     {"i16x8.extend_high_i8x16_s", ImmediateNone},
	OpI16x8ExtendLowI8x16U & 0xff:      {"i16x8.extend_low_i8x16_u", ImmediateNone},
	OpI16x8ExtendHighI8x16U & 0xff:     {"i16x8.extend_high_i8x16_u", ImmediateNone},
	OpI16x8Shl & 0xff:                  {"i16x8.shl", ImmediateNone},
	OpI16x8ShrS & 0xff:                 {"i16x8.shr_s", ImmediateNone},
	OpI16x8ShrU & 0xff:                 {"i16x8.shr_u", ImmediateNone},
	OpI16x8Add & 0xff:                  {"i16x8.add", ImmediateNone},
	OpI16x8AddSatS & 0xff:              {"i16x8.add_sat_s", ImmediateNone},
	OpI16x8AddSatU & 0xff:              {"i16x8.add_sat_u", ImmediateNone},
	OpI16x8Sub & 0xff:                  {"i16x8.sub", ImmediateNone},
	OpI16x8SubSatS & 0xff:              {"i16x8.sub_sat_s", ImmediateNone},
	OpI16x8SubSatU & 0xff:              {"i16x8.sub_sat_u", ImmediateNone},
	OpF64x2Nearest & 0xff:              {"f64x2.nearest", ImmediateNone},
	OpI16x8Mul & 0xff:                  {"i16x8.mul", ImmediateNone},
	OpI16x8MinS & 0xff:                 {"i16x8.min_s", ImmediateNone},
	OpI16x8MinU & 0xff:                 {"i16x8.min_u", ImmediateNone},
	OpI16x8MaxS & 0xff:                 {"i16x8.max_s", ImmediateNone},
	OpI16x8MaxU & 0xff:                 {"i16x8.max_u", ImmediateNone},
	OpI16x8AvgrU & 0xff:                {"i16x8.avgr_u", ImmediateNone},
	OpI16x8ExtmulLowI8x16S & 0xff:      {"i16x8.extmul_low_i8x16_s", ImmediateNone},
	OpI16x8ExtmulHighI8x16S & 0xff:     {"i16x8.extmul_high_i8x16_s", ImmediateNone},
	OpI16x8ExtmulLowI8x16U & 0xff:      {"i16x8.extmul_low_i8x16_u", ImmediateNone},
	OpI16x8ExtmulHighI8x16U & 0xff:     {"i16x8.extmul_high_i8x16_u", ImmediateNone},
	OpI32x4Abs & 0xff:                  {"i32x4.abs", ImmediateNone},
	OpI32x4Neg & 0xff:                  {"i32x4.neg", ImmediateNone},
	OpI32x4AllTrue & 0xff:              {"i32x4.all_true", ImmediateNone},
	OpI32x4Bitmask & 0xff:              {"i32x4.bitmask", ImmediateNone},
	OpI32x4ExtendLowI16x8S & 0xff:      {"i32x4.extend_low_i16x8_s", ImmediateNone},
	OpI32x4ExtendHighI16x8S & 0xff:     {"i32x4.extend_high_i16x8_s", ImmediateNone},
	OpI32x4ExtendLowI16x8U & 0xff:      {"i32x4.extend_low_i16x8_u", ImmediateNone},
	OpI32x4ExtendHighI16x8U & 0xff:     {"i32x4.extend_high_i16x8_u", ImmediateNone},
	OpI32x4Shl & 0xff:                  {"i32x4.shl", ImmediateNone},
	OpI32x4ShrS & 0xff:                 {"i32x4.shr_s", ImmediateNone},
	OpI32x4ShrU & 0xff:                 {"i32x4.shr_u", ImmediateNone},
	OpI32x4Add & 0xff:                  {"i32x4.add", ImmediateNone},
	OpI32x4Sub & 0xff:                  {"i32x4.sub", ImmediateNone},
	OpI32x4Mul & 0xff:                  {"i32x4.mul", ImmediateNone},
	OpI32x4MinS & 0xff:                 {"i32x4.min_s", ImmediateNone},
	OpI32x4MinU & 0xff:                 {"i32x4.min_u", ImmediateNone},
	OpI32x4MaxS & 0xff:                 {"i32x4.max_s", ImmediateNone},
	OpI32x4MaxU & 0xff:                 {"i32x4.max_u", ImmediateNone},
	OpI32x4DotI16x8S & 0xff:            {"i32x4.dot_i16x8_s", ImmediateNone},
	OpI32x4ExtmulLowI16x8S & 0xff:      {"i32x4.extmul_low_i16x8_s", ImmediateNone},
	OpI32x4ExtmulHighI16x8S & 0xff:     {"i32x4.extmul_high_i16x8_s", ImmediateNone},
	OpI32x4ExtmulLowI16x8U & 0xff:      {"i32x4.extmul_low_i16x8_u", ImmediateNone},
	OpI32x4ExtmulHighI16x8U & 0xff:     {"i32x4.extmul_high_i16x8_u", ImmediateNone},
	OpI64x2Abs & 0xff:                  {"i64x2.abs", ImmediateNone},
	OpI64x2Neg & 0xff:                  {"i64x2.neg", ImmediateNone},
	OpI64x2AllTrue & 0xff:              {"i64x2.all_true", ImmediateNone},
	OpI64x2Bitmask & 0xff:              {"i64x2.bitmask", ImmediateNone},
	OpI64x2ExtendLowI32x4S & 0xff:      {"i64x2.extend_low_i32x4_s", ImmediateNone},
	OpI64x2ExtendHighI32x4S & 0xff:     {"i64x2.extend_high_i32x4_s", ImmediateNone},
	OpI64x2ExtendLowI32x4U & 0xff:      {"i64x2.extend_low_i32x4_u", ImmediateNone},
	OpI64x2ExtendHighI32x4U & 0xff:     {"i64x2.extend_high_i32x4_u", ImmediateNone},
	OpI64x2Shl & 0xff:                  {"i64x2.shl", ImmediateNone},
	OpI64x2ShrS & 0xff:                 {"i64x2.shr_s", ImmediateNone},
	OpI64x2ShrU & 0xff:                 {"i64x2.shr_u", ImmediateNone},
	OpI64x2Add & 0xff:                  {"i64x2.add", ImmediateNone},
	OpI64x2Sub & 0xff:                  {"i64x2.sub", ImmediateNone},
	OpI64x2Mul & 0xff:                  {"i64x2.mul", ImmediateNone},
	OpI64x2Eq & 0xff:                   {"i64x2.eq", ImmediateNone},
	OpI64x2Ne & 0xff:                   {"i64x2.ne", ImmediateNone},
	OpI64x2LtS & 0xff:                  {"i64x2.lt_s", ImmediateNone},
	OpI64x2GtS & 0xff:                  {"i64x2.gt_s", ImmediateNone},
	OpI64x2LeS & 0xff:                  {"i64x2.le_s", ImmediateNone},
	OpI64x2GeS & 0xff:                  {"i64x2.ge_s", ImmediateNone},
	OpI64x2ExtmulLowI32x4S & 0xff:      {"i64x2.extmul_low_i32x4_s", ImmediateNone},
	OpI64x2ExtmulHighI32x4S & 0xff:     {"i64x2.extmul_high_i32x4_s", ImmediateNone},
	OpI64x2ExtmulLowI32x4U & 0xff:      {"i64x2.extmul_low_i32x4_u", ImmediateNone},
	OpI64x2ExtmulHighI32x4U & 0xff:     {"i64x2.extmul_high_i32x4_u", ImmediateNone},
	OpF32x4Abs & 0xff:                  {"f32x4.abs", ImmediateNone},
	OpF32x4Neg & 0xff:                  {"f32x4.neg", ImmediateNone},
	OpF32x4Sqrt & 0xff:                 {"f32x4.sqrt", ImmediateNone},
	OpF32x4Add & 0xff:                  {"f32x4.add", ImmediateNone},
	OpF32x4Sub & 0xff:                  {"f32x4.sub", ImmediateNone},
	OpF32x4Mul & 0xff:                  {"f32x4.mul", ImmediateNone},
	OpF32x4Div & 0xff:                  {"f32x4.div", ImmediateNone},
	OpF32x4Min & 0xff:                  {"f32x4.min", ImmediateNone},
	OpF32x4Max & 0xff:                  {"f32x4.max", ImmediateNone},
	OpF32x4Pmin & 0xff:                 {"f32x4.pmin", ImmediateNone},
	OpF32x4Pmax & 0xff:                 {"f32x4.pmax", ImmediateNone},
	OpF64x2Abs & 0xff:                  {"f64x2.abs", ImmediateNone},
	OpF64x2Neg & 0xff:                  {"f64x2.neg", ImmediateNone},
	OpF64x2Sqrt & 0xff:                 {"f64x2.sqrt", ImmediateNone},
	OpF64x2Add & 0xff:                  {"f64x2.add", ImmediateNone},
	OpF64x2Sub & 0xff:                  {"f64x2.sub", ImmediateNone},
	OpF64x2Mul & 0xff:                  {"f64x2.mul", ImmediateNone},
	OpF64x2Div & 0xff:                  {"f64x2.div", ImmediateNone},
	OpF64x2Min & 0xff:                  {"f64x2.min", ImmediateNone},
	OpF64x2Max & 0xff:                  {"f64x2.max", ImmediateNone},
	OpF64x2Pmin & 0xff:                 {"f64x2.pmin", ImmediateNone},
	OpF64x2Pmax & 0xff:                 {"f64x2.pmax", ImmediateNone},
	OpI32x4TruncSatF32x4S & 0xff:       {"i32x4.trunc_sat_f32x4_s", ImmediateNone},
	OpI32x4TruncSatF32x4U & 0xff:       {"i32x4.trunc_sat_f32x4_u", ImmediateNone},
	OpF32x4ConvertI32x4S & 0xff:        {"f32x4.convert_i32x4_s", ImmediateNone},
	OpF32x4ConvertI32x4U & 0xff:        {"f32x4.convert_i32x4_u", ImmediateNone},
	OpI32x4TruncSatF64x2SZero & 0xff:   {"i32x4.trunc_sat_f64x2_s_zero", ImmediateNone},
	OpI32x4TruncSatF64x2UZero & 0xff:   {"i32x4.trunc_sat_f64x2_u_zero", ImmediateNone},
	OpF64x2ConvertLowI32x4S & 0xff:     {"f64x2.convert_low_i32x4_s", ImmediateNone},
	OpF64x2ConvertLowI32x4U & 0xff:     {"f64x2.convert_low_i32x4_u", ImmediateNone},
}
