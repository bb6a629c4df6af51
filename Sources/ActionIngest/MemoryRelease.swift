#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Gives memory back to the system after a backlog: what librdkafka had fetched ahead was freed, but the allocator keeps
/// it for another one.
struct MemoryRelease {
  /// Records to be read that make a backlog, and below which it is over.
  static let backlogRecords: Int64 = 50_000
  static let idleRecords: Int64 = 5_000

  /// glibc's `malloc_trim`, which its header for Swift leaves out; other libraries have none.
  private static let trim: (@convention(c) (Int) -> Int32)? = {
    guard let program = dlopen(nil, RTLD_NOW), let symbol = dlsym(program, "malloc_trim") else { return nil }
    return unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)
  }()

  private var hadBacklog = false

  /// - Parameter lag: records that are in the topic and not stored
  mutating func note(lag: Int64) {
    if lag >= Self.backlogRecords { hadBacklog = true }
    guard hadBacklog, lag < Self.idleRecords else { return }
    hadBacklog = false
    _ = Self.trim?(0)
  }
}
