extension DetailsSchema {
  /// Reads a schema, refusing whatever it does not know.
  struct Reader {
    let scanner: JSONScanner
    private var count = 0

    init(scanner: JSONScanner) { self.scanner = scanner }

    mutating func node(_ slice: JSONSlice, at place: String, depth: Int) throws(AuditActionError) -> Node {
      count += 1
      guard count <= sizeMax, depth <= depthMax else {
        throw fault(place, "a schema has at most \(sizeMax) schemas in it, nested \(depthMax) deep")
      }
      if slice.kind == .boolean { return Node(refusesAll: scanner.scalar(slice) == .boolean(false)) }
      guard slice.kind == .object else { throw fault(place, "a schema is an object, or true or false") }
      var node = Node()
      var seen: Set<String> = []
      for member in try scanner.members(of: slice, countMax: sizeMax) {
        guard seen.insert(member.name).inserted else { throw fault(place, "'\(shown(member.name))' is given twice") }
        try read(member, into: &node, at: place, depth: depth)
      }
      return node
    }

    private mutating func read(
      _ member: JSONMember, into node: inout Node, at place: String, depth: Int
    ) throws(AuditActionError) {
      let value = member.value
      let below = "\(place).\(shown(member.name))"
      switch member.name {
      case "$schema", "title", "description": break
      case "type": node.kinds = try kinds(value, below)
      case "properties":
        guard value.kind == .object else { throw fault(below, "expected an object of schemas") }
        for property in try scanner.members(of: value, countMax: sizeMax) {
          let place = "\(below).\(shown(property.name))"
          guard node.properties[property.name] == nil else { throw fault(place, "the property is given twice") }
          node.properties[property.name] = try self.node(property.value, at: place, depth: depth + 1)
        }
      case "required": node.required = try names(value, below)
      case "additionalProperties": node.additional = [try self.node(value, at: below, depth: depth + 1)]
      case "items": node.items = [try self.node(value, at: below, depth: depth + 1)]
      case "enum": node.choices.append(try choices(value, below))
      case "const":
        guard let scalar = scanner.scalar(value) else { throw fault(below, "only values without parts are taken") }
        node.choices.append([scalar])
      case "minimum": node.minimum = try number(value, below)
      case "maximum": node.maximum = try number(value, below)
      case "minLength": node.minLength = try size(value, below)
      case "maxLength": node.maxLength = try size(value, below)
      case "minItems": node.minItems = try size(value, below)
      case "maxItems": node.maxItems = try size(value, below)
      default:
        let hint = Spelling.nearest(to: member.name, in: Self.keywords).map { "; the nearest known one is '\($0)'" }
        throw fault(place, "the keyword '\(shown(member.name))' is not known\(hint ?? "")")
      }
    }

    private static let keywords = [
      "$schema", "title", "description", "type", "properties", "required", "additionalProperties", "items", "enum",
      "const", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
    ]

    private func kinds(_ value: JSONSlice, _ place: String) throws(AuditActionError) -> Set<Kind> {
      var kinds: Set<Kind> = []
      for name in value.kind == .string ? [scanner.string(value) ?? ""] : try names(value, place) {
        guard let kind = Kind(rawValue: name) else {
          throw fault(place, "a type is one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        kinds.insert(kind)
      }
      guard !kinds.isEmpty else { throw fault(place, "expected a type, or a list of them") }
      return kinds
    }

    private func names(_ value: JSONSlice, _ place: String) throws(AuditActionError) -> [String] {
      guard value.kind == .array else { throw fault(place, "expected a list of names") }
      var names: [String] = []
      for element in try scanner.elements(of: value, countMax: sizeMax) {
        guard let name = scanner.string(element) else { throw fault(place, "expected a list of names") }
        names.append(name)
      }
      return names
    }

    private func choices(_ value: JSONSlice, _ place: String) throws(AuditActionError) -> Set<Scalar> {
      guard value.kind == .array else { throw fault(place, "expected a list of values") }
      var choices: Set<Scalar> = []
      for element in try scanner.elements(of: value, countMax: sizeMax) {
        guard let scalar = scanner.scalar(element) else { throw fault(place, "only values without parts are taken") }
        choices.insert(scalar)
      }
      guard !choices.isEmpty else { throw fault(place, "expected at least one value") }
      return choices
    }

    private func number(_ value: JSONSlice, _ place: String) throws(AuditActionError) -> Number {
      guard case .number(let number)? = scanner.scalar(value) else { throw fault(place, "expected a number") }
      return number
    }

    private func size(_ value: JSONSlice, _ place: String) throws(AuditActionError) -> Int {
      guard let size = scanner.integer(value, in: 0...Int64(Int32.max)) else {
        throw fault(place, "expected a whole number from 0 on")
      }
      return Int(size)
    }

    private func shown(_ name: String) -> String { DetailsSchema.shown(name) }

    private func fault(_ place: String, _ what: String) -> AuditActionError {
      AuditActionError(.invalidEventType, "\(place): \(what)", parameter: "details")
    }
  }

  /// Names come from files and requests: none is as long as it likes in a message.
  static func shown(_ name: String) -> String {
    name.utf8.count <= 64 ? name : String(name.prefix(40)) + "..."
  }
}
