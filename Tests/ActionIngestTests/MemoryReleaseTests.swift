#if canImport(Glibc)
  import Foundation
  import Testing

  @testable import ActionIngest

  /// Only glibc has what gives memory back; a sanitizer has an allocator of its own.
  @Suite(
    "Memory after a backlog", .serialized,
    .enabled(if: dlsym(nil, "__tsan_init") == nil && dlsym(nil, "__asan_init") == nil))
  struct MemoryReleaseTests {
    private static let bytes = 64 << 20
    private static let blockBytes = 4_096

    private static func residentBytes() throws -> Int {
      let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      return try #require(fields.dropFirst().first.flatMap { Int($0) }) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// What a backlog leaves: much that was freed, and here and there something that stays in use.
    private static func withFreedMemory(_ body: () throws -> Void) throws {
      // What earlier tests have freed would be used again, and nothing would grow.
      var memory = MemoryRelease()
      memory.note(lag: MemoryRelease.backlogRecords)
      memory.note(lag: 0)
      let start = try residentBytes()
      var kept: [UnsafeMutableRawPointer] = []
      var freed: [UnsafeMutableRawPointer] = []
      for number in 0..<(bytes / blockBytes) {
        let block = UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 16)
        memset(block, 1, blockBytes)
        if number % 256 == 255 { kept.append(block) } else { freed.append(block) }
      }
      for block in freed { block.deallocate() }
      defer { for block in kept { block.deallocate() } }
      try #require(try residentBytes() > start + bytes / 2, "what was freed is still there")
      try body()
    }

    @Test("is given back once, when the backlog is over")
    func released() throws {
      var memory = MemoryRelease()
      try Self.withFreedMemory {
        let before = try Self.residentBytes()
        memory.note(lag: MemoryRelease.backlogRecords)
        memory.note(lag: MemoryRelease.idleRecords)
        #expect(try Self.residentBytes() > before - Self.bytes / 2, "the backlog is not over")
        memory.note(lag: MemoryRelease.idleRecords - 1)
        #expect(try Self.residentBytes() < before - Self.bytes / 2)
      }
      try Self.withFreedMemory {
        let before = try Self.residentBytes()
        memory.note(lag: 0)
        #expect(try Self.residentBytes() > before - Self.bytes / 2, "there was no backlog since")
      }
    }

    @Test("is kept where there was no backlog")
    func kept() throws {
      var memory = MemoryRelease()
      try Self.withFreedMemory {
        let before = try Self.residentBytes()
        memory.note(lag: MemoryRelease.backlogRecords - 1)
        memory.note(lag: 0)
        #expect(try Self.residentBytes() > before - Self.bytes / 2)
      }
    }
  }
#endif
