/// Where a log's sequence numbers stand, project by project.
struct SpoolNumbers: Equatable {
  /// Most projects of one spool: they have to fit at the beginning of each of its files.
  static let projectsMax = 256

  private var places: [[UInt8]: Int] = [:]
  private var projects: [(name: [UInt8], next: Int64)] = []
  /// Most workers speak for one project, all for few: it is nearly always the one before.
  private var last = 0

  static func == (left: SpoolNumbers, right: SpoolNumbers) -> Bool { left.all == right.all }

  var all: [[UInt8]: Int64] { Dictionary(uniqueKeysWithValues: projects.map { ($0.name, $0.next) }) }

  mutating func set(_ next: Int64, of project: [UInt8]) {
    if let place = places[project] {
      projects[place].next = next
    } else {
      places[project] = projects.count
      projects.append((project, next))
    }
  }

  /// The number for the next action of a key's project.
  /// - Throws: `spool` for one project too many.
  mutating func take(projectOf key: [UInt8]) throws(EmitError) -> Int64 {
    if !isLast(of: key) {
      let project = SpoolRecord.project(of: key)
      if places[project] == nil {
        guard projects.count < Self.projectsMax else {
          throw EmitError(
            .spool, "a spool numbers the actions of \(Self.projectsMax) projects at most",
            hint: "give the others an emitter with a spool of its own")
        }
        set(1, of: project)
      }
      last = places[project] ?? 0
    }
    defer { projects[last].next &+= 1 }
    return projects[last].next
  }

  private func isLast(of key: [UInt8]) -> Bool {
    guard last < projects.count else { return false }
    let name = projects[last].name
    return key.count > name.count && key[name.count] == 0x2F && key.starts(with: name)
  }

  var payloadBytes: Int { projects.reduce(3) { $0 + 10 + $1.name.count } }

  func write(to payload: UnsafeMutableRawBufferPointer) {
    SpoolRecord.write(projects, to: payload)
  }
}
