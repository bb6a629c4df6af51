import Foundation
import Synchronization

/// The built `strandline`, run as users run it.
final class ChildProcess: Sendable {
  struct Result {
    let status: Int32
    let output: String
    let error: String
  }

  struct Timeout: Error, CustomStringConvertible {
    let description: String
  }

  /// Stands beside the test bundle.
  static var executable: URL {
    URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "strandline")
  }

  private let process: Mutex<Process>
  private let output = Mutex(Data())
  private let error = Mutex(Data())
  private let outputPipe = Pipe()
  private let errorPipe = Pipe()
  private let outputEnd = DispatchSemaphore(value: 0)
  private let errorEnd = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - inputFile: standard input, instead of `input`: for a child that may end before it has read everything.
  ///   - inputHandle: the same, for a child that is given one thing after the other.
  init(
    _ arguments: [String], input: String? = nil, inputFile: URL? = nil, inputHandle: FileHandle? = nil,
    environment: [String: String] = [:]
  ) throws {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("STRANDLINE_") }
    all.merge(environment) { $1 }
    process.environment = all
    process.standardOutput = outputPipe
    process.standardError = errorPipe
    let inputPipe = Pipe()
    process.standardInput = try inputHandle ?? inputFile.map { try FileHandle(forReadingFrom: $0) } ?? inputPipe
    try process.run()
    self.process = Mutex(process)
    Self.drain(outputPipe, outputEnd) { data in self.output.withLock { $0.append(data) } }
    Self.drain(errorPipe, errorEnd) { data in self.error.withLock { $0.append(data) } }
    Thread.detachNewThread {
      if let input { try? inputPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
      try? inputPipe.fileHandleForWriting.close()
    }
  }

  private static func drain(_ pipe: Pipe, _ end: DispatchSemaphore, _ take: @escaping @Sendable (Data) -> Void) {
    let handle = pipe.fileHandleForReading
    Thread.detachNewThread {
      // read(2) itself: read(upToCount:) waits until it has that many bytes, and availableData traps when a signal
      // (SIGCHLD of another child) interrupts it.
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      while true {
        let count = read(handle.fileDescriptor, &chunk, chunk.count)
        if count > 0 {
          take(Data(chunk[..<count]))
        } else if count == 0 || errno != EINTR {
          break
        }
      }
      end.signal()
    }
  }

  var outputText: String { String(decoding: output.withLock { $0 }, as: UTF8.self) }
  var errorText: String { String(decoding: error.withLock { $0 }, as: UTF8.self) }

  func signal(_ number: Int32) { _ = process.withLock { kill($0.processIdentifier, number) } }

  /// Ends it at once if nobody has.
  func abandon() {
    process.withLock { if $0.isRunning { _ = kill($0.processIdentifier, SIGKILL) } }
  }

  /// Waits for a condition, however slow the machine is.
  func wait(for what: String, within seconds: Int = 120, until condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
      guard ContinuousClock.now < deadline else {
        throw Timeout(description: "waited \(seconds) s for \(what); output: \(outputText); error: \(errorText)")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  func end(within seconds: Int = 120) async throws -> Result {
    try await wait(for: "the end", within: seconds) { process.withLock { !$0.isRunning } }
    let (outputEnd, errorEnd) = (outputEnd, errorEnd)
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        outputEnd.wait()
        errorEnd.wait()
        continuation.resume()
      }
    }
    return Result(status: process.withLock { $0.terminationStatus }, output: outputText, error: errorText)
  }

  /// Runs to the end.
  static func run(_ arguments: [String], input: String? = nil, environment: [String: String] = [:]) async throws
    -> Result
  {
    try await ChildProcess(arguments, input: input, environment: environment).end()
  }
}
