#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Bytes that end, as near as alignment lets them, where memory ends: reading past them ends the process.
///
/// The address lies inside a page, so that who believes to own a mapping there cannot remove it.
final class GuardedMemory {
  private let base: UnsafeMutableRawPointer
  private let capacity: Int
  private let page = Int(getpagesize())

  init?(capacity wanted: Int) {
    capacity = (wanted + page - 1) / page * page
    guard let memory = mmap(nil, capacity + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    base = memory
    mprotect(memory + capacity, page, PROT_NONE)
  }

  deinit { munmap(base, capacity + page) }

  /// Nil when they are too many.
  func place(_ bytes: [UInt8]) -> UnsafeRawBufferPointer? {
    guard bytes.count <= capacity - page else { return nil }
    // Entries of an index are read as they lie: a mapping is aligned, so this has to be.
    var start = (capacity - bytes.count) & ~7
    if start % page == 0 { start -= 8 }
    bytes.withUnsafeBytes {
      (base + start).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count)
    }
    return UnsafeRawBufferPointer(start: base + start, count: bytes.count)
  }
}
