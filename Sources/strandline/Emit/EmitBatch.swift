import ActionEmitter
import AuditActions

/// Lines that are sent together, and those of them that are refused before.
struct EmitBatch: Sendable {
  struct Entry: Sendable {
    let number: Int
    let line: EmitLine
  }

  struct Refusal: Sendable, Equatable {
    let number: Int
    let error: AuditActionError
  }

  /// Lines sent before their acknowledgements are waited for.
  static let linesMax = 20_000
  /// Bytes of bodies of such lines.
  static let bytesMax = 16 << 20

  var entries: [Entry] = []
  var refusals: [Refusal] = []
  var bytes = 0

  var isFull: Bool { entries.count >= Self.linesMax || bytes >= Self.bytesMax || refusals.count >= Self.linesMax }
  var isEmpty: Bool { entries.isEmpty && refusals.isEmpty }

  mutating func add(_ number: Int, _ line: LineSplitter.Line, defaults: EmitLine.Defaults) {
    do throws(AuditActionError) {
      switch line {
      case .tooLong: throw AuditActionError(.tooLarge, "the line is longer than \(EmitLine.bytesMax) bytes")
      case .bytes(let bytes):
        let line = try EmitLine(parsing: bytes, defaults: defaults)
        entries.append(Entry(number: number, line: line))
        self.bytes += line.action.body.count
      }
    } catch {
      refusals.append(Refusal(number: number, error: error))
    }
  }

  /// The lines of each queue, in their order: within a queue the order is kept, between queues there is none.
  var byQueue: [(queue: QueueAddress, entries: [Entry])] {
    var places: [QueueAddress: Int] = [:]
    var result: [(queue: QueueAddress, entries: [Entry])] = []
    for entry in entries {
      if let place = places[entry.line.queue] {
        result[place].entries.append(entry)
      } else {
        places[entry.line.queue] = result.count
        result.append((entry.line.queue, [entry]))
      }
    }
    return result
  }
}
