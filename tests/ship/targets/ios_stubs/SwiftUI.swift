// What the app uses of Apple's module, for type-checking elsewhere: the types and names of its interface, without any behaviour.
import Foundation
@_exported import UIKit

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}
extension Never: View { public var body: Never { fatalError() } }
extension View where Body == Never { public var body: Never { fatalError() } }
extension Optional: View where Wrapped: View { public typealias Body = Never }

@resultBuilder public struct ViewBuilder {
    public static func buildExpression<V: View>(_ view: V) -> V { view }
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<V: View>(_ view: V) -> V { view }
    public static func buildBlock<each V: View>(_ view: repeat each V) -> TupleView<(repeat each V)> { TupleView() }
    public static func buildIf<V: View>(_ view: V?) -> V? { view }
    public static func buildEither<T: View, F: View>(first: T) -> Either<T, F> { Either() }
    public static func buildEither<T: View, F: View>(second: F) -> Either<T, F> { Either() }
}
public struct EmptyView: View {
    public typealias Body = Never
    public nonisolated init() {}
}
public struct TupleView<T>: View { public typealias Body = Never }
public struct Either<T, F>: View { public typealias Body = Never }

@MainActor @preconcurrency public protocol Scene { associatedtype Body: Scene; var body: Body { get } }
extension Never: Scene {}
extension Scene where Body == Never { public var body: Never { fatalError() } }
public struct WindowGroup<Content: View>: Scene {
    public typealias Body = Never
    public init(@ViewBuilder content: () -> Content) {}
}
@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    var body: Body { get }
    init()
}
extension App { public static func main() {} }

@MainActor @preconcurrency public protocol ToolbarContent {}
@resultBuilder public struct ToolbarContentBuilder {
    public static func buildExpression<T: ToolbarContent>(_ item: T) -> T { item }
    public static func buildBlock<T: ToolbarContent>(_ item: T) -> T { item }
    public static func buildBlock<each T: ToolbarContent>(_ item: repeat each T) -> ToolbarGroup<(repeat each T)> { ToolbarGroup() }
}
public struct ToolbarGroup<T>: ToolbarContent {}
public struct ToolbarItemPlacement: Sendable {
    public static let topBarLeading = ToolbarItemPlacement()
    public static let topBarTrailing = ToolbarItemPlacement()
    public static let confirmationAction = ToolbarItemPlacement()
}
public struct ToolbarItem<Content: View>: ToolbarContent {
    public init(placement: ToolbarItemPlacement, @ViewBuilder content: () -> Content) {}
}
public struct ToolbarItemGroup<Content: View>: ToolbarContent {
    public init(placement: ToolbarItemPlacement, @ViewBuilder content: () -> Content) {}
}

@propertyWrapper public struct State<Value> {
    public init(wrappedValue: Value) {}
    public var wrappedValue: Value { get { fatalError() } nonmutating set {} }
    public var projectedValue: Binding<Value> { fatalError() }
}
@propertyWrapper public struct Binding<Value> {
    public init(get: @escaping () -> Value, set: @escaping (Value) -> Void) {}
    public var wrappedValue: Value { get { fatalError() } nonmutating set {} }
}
@propertyWrapper public struct Environment<Value> {
    public init(_ keyPath: KeyPath<EnvironmentValues, Value>) {}
    public var wrappedValue: Value { fatalError() }
}
public struct EnvironmentValues {
    public let dismiss = DismissAction()
    public let openURL = OpenURLAction()
}
@MainActor @preconcurrency public struct DismissAction { nonisolated init() {}; public func callAsFunction() {} }
@MainActor @preconcurrency public struct OpenURLAction { nonisolated init() {}; public func callAsFunction(_ url: URL) {} }

public struct Text: View, Equatable {
    public typealias Body = Never
    public init(verbatim content: String) {}
    public init<S: StringProtocol>(_ content: S) {}
    public func fontWeight(_ weight: Font.Weight?) -> Text { self }
    public func monospacedDigit() -> Text { self }
}
public struct Font: Sendable {
    public enum Weight: Sendable { case regular, semibold }
    public static let body = Font()
    public static let footnote = Font()
    public func monospacedDigit() -> Font { self }
}
public struct Image: View {
    public typealias Body = Never
    public init(uiImage: UIImage) {}
    public func resizable() -> Image { self }
}
public struct Label<Title: View, Icon: View>: View { public typealias Body = Never }
extension Label where Title == Text, Icon == Image { public init<S: StringProtocol>(_ title: S, systemImage: String) {} }
public struct Button<Label: View>: View {
    public typealias Body = Never
    public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> Label) {}
}
extension Button where Label == Text { public init<S: StringProtocol>(_ title: S, action: @escaping @MainActor () -> Void) {} }
public struct ProgressView<Label: View>: View { public typealias Body = Never }
extension ProgressView where Label == EmptyView {
    public init() {}
    public init<V: BinaryFloatingPoint>(value: V?, total: V = 1) {}
}
extension ProgressView where Label == Text { public init<S: StringProtocol>(_ title: S) {} }
public struct LabeledContent<Label: View, Content: View>: View { public typealias Body = Never }
extension LabeledContent where Label == Text, Content == Text {
    public init<T: StringProtocol, S: StringProtocol>(_ title: T, value: S) {}
}
public struct ContentUnavailableView<Label: View, Description: View, Actions: View>: View {
    public typealias Body = Never
    public init(
        @ViewBuilder label: () -> Label, @ViewBuilder description: () -> Description = { EmptyView() },
        @ViewBuilder actions: () -> Actions = { EmptyView() }
    ) {}
}
public struct Spacer: View {
    public typealias Body = Never
    public init(minLength: CGFloat? = nil) {}
}
public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content: View>: View {
    public typealias Body = Never
    public init(_ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content) {}
}
extension ForEach where Data.Element: Identifiable, ID == Data.Element.ID {
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content) {}
}
public struct Section<Parent: View, Content: View, Footer: View>: View { public typealias Body = Never }
extension Section where Parent == Text, Footer == EmptyView {
    public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> Content) {}
}
public struct HorizontalAlignment: Sendable { public static let leading = HorizontalAlignment(), center = HorizontalAlignment() }
public struct VerticalAlignment: Sendable { public static let center = VerticalAlignment(), firstTextBaseline = VerticalAlignment() }
public struct Alignment: Sendable { public static let leading = Alignment(), center = Alignment() }
public struct VStack<Content: View>: View {
    public typealias Body = Never
    public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}
public struct HStack<Content: View>: View {
    public typealias Body = Never
    public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}
public struct List<Content: View>: View {
    public typealias Body = Never
    public init(@ViewBuilder content: () -> Content) {}
}
public struct NavigationStack<Root: View>: View {
    public typealias Body = Never
    public init(@ViewBuilder root: () -> Root) {}
}
@MainActor @preconcurrency public protocol UIViewRepresentable: View where Body == Never {
    associatedtype UIViewType: UIView
    typealias Context = UIViewRepresentableContext<Self>
    func makeUIView(context: Context) -> UIViewType
    func updateUIView(_ uiView: UIViewType, context: Context)
}
public struct UIViewRepresentableContext<Representable> {}

public protocol ShapeStyle: Sendable {}
public struct Color: ShapeStyle, View {
    public typealias Body = Never
    public static let accentColor = Color(), secondary = Color(), clear = Color(), white = Color()
}
public enum ContentMode: Sendable { case fit, fill }
public struct Rectangle: View {
    public typealias Body = Never
    public init() {}
    public func strokeBorder<S: ShapeStyle>(_ content: S, lineWidth: CGFloat = 1, antialiased: Bool = true) -> some View { self }
}
public struct Toggle<Label: View>: View { public typealias Body = Never }
extension Toggle where Label == Text { public init<S: StringProtocol>(_ title: S, isOn: Binding<Bool>) {} }
public struct Material: ShapeStyle {}
extension ShapeStyle where Self == Color {
    public static var green: Color { Color() }
    public static var secondary: Color { Color() }
}
extension ShapeStyle where Self == Material { public static var regularMaterial: Material { Material() } }
public enum VerticalEdge: Sendable { case top, bottom }
public struct AccessibilityChildBehavior: Sendable { public static let ignore = AccessibilityChildBehavior() }
public struct PresentationDetent: Hashable, Sendable { public static let medium = PresentationDetent(), large = PresentationDetent() }
public struct TitleDisplayMode: Sendable { public static let inline = TitleDisplayMode() }

extension View {
    public func frame(
        minWidth: CGFloat? = nil, maxWidth: CGFloat? = nil, minHeight: CGFloat? = nil, maxHeight: CGFloat? = nil,
        alignment: Alignment = .center
    ) -> some View { self }
    public func padding() -> some View { self }
    public func scaledToFit() -> some View { self }
    public func scaledToFill() -> some View { self }
    public func aspectRatio(_ aspectRatio: CGFloat? = nil, contentMode: ContentMode) -> some View { self }
    public func clipped(antialiased: Bool = false) -> some View { self }
    public func overlay<V: View>(alignment: Alignment = .center, @ViewBuilder content: () -> V) -> some View { self }
    public func shadow(radius: CGFloat, x: CGFloat = 0, y: CGFloat = 0) -> some View { self }
    public func lineLimit(_ number: Int?) -> some View { self }
    public func font(_ font: Font?) -> some View { self }
    public func foregroundStyle<S: ShapeStyle>(_ style: S) -> some View { self }
    public func tint(_ tint: Color?) -> some View { self }
    public func background<S: ShapeStyle>(_ style: S) -> some View { self }
    public func safeAreaInset<V: View>(edge: VerticalEdge, spacing: CGFloat? = nil, @ViewBuilder content: () -> V) -> some View { self }
    public func navigationTitle(_ title: Text) -> some View { self }
    public func navigationTitle<S: StringProtocol>(_ title: S) -> some View { self }
    public func navigationBarTitleDisplayMode(_ mode: TitleDisplayMode) -> some View { self }
    public func toolbar<C: ToolbarContent>(@ToolbarContentBuilder content: () -> C) -> some View { self }
    public func task<T: Equatable>(id value: T, _ action: @escaping @Sendable @MainActor () async -> Void) -> some View { self }
    public func sheet<C: View>(isPresented: Binding<Bool>, @ViewBuilder content: @escaping () -> C) -> some View { self }
    public func presentationDetents(_ detents: Set<PresentationDetent>) -> some View { self }
    public func accessibilityElement(children: AccessibilityChildBehavior = .ignore) -> some View { self }
    public func accessibilityLabel(_ label: Text) -> some View { self }
    public func accessibilityLabel<S: StringProtocol>(_ label: S) -> some View { self }
    public func accessibilityValue(_ value: Text) -> some View { self }
    public func accessibilityHint<S: StringProtocol>(_ hint: S) -> some View { self }
}
