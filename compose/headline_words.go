package compose

import (
	"strconv"
	"strings"
	"unicode"
)

// labelWords are what marks a title before a colon or a dash and does not
// belong to it.
var labelWords = setOf("update updated live breaking exclusive video watch pictures photos audio podcast listen analysis opinion comment review " +
	"explainer eilmeldung aktualisiert liveblog liveticker exklusiv analyse kommentar meinung direct vidéo exclusif última directo vídeo exclusiva " +
	"urgent urgente ultim'ora diretta esclusiva exclusivo esclusivo atualização actualización spoed exclusief pilne aktualizacja wideo sondakika canlı özel güncelleme " +
	"عاجل مباشر حصري بالفيديو فيديو מבזק עדכון וידאו בלעדי ब्रेकिंग अपडेट वीडियो लाइव 速報 独自 動画 更新 快讯 快訊 突发 突發 独家 視頻 视频 最新")

// labelPhrases are labels of several words.
var labelPhrases = map[string]bool{
	"breaking news": true, "just in": true, "in pictures": true, "última hora": true, "última notícia": true, "en direct": true, "en vivo": true,
	"ao vivo": true, "dernière minute": true, "z ostatniej chwili": true, "na żywo": true, "son dakika": true, "laatste nieuws": true,
	"ultima ora": true, "in diretta": true, "ब्रेकिंग न्यूज़": true, "חדשות אחרונות": true,
}

// articles of the Latin script; those of Arabic and Hebrew are part of the word.
var articles = setOf("the a an der die das den dem des ein eine einen einem einer le la les l un une el los las una o os as um uma il lo gli i het de een en ett det")

func isNegation(word string) bool {
	return strings.HasSuffix(word, "n't") || negations[word]
}

// negations turn a headline round.
var negations = setOf("not no never none nobody nothing without nor neither cannot " +
	"nicht kein keine keinen keinem keiner keines nie niemals ohne niemand nichts weder " +
	"pas non ne jamais aucun aucune sans ni rien " +
	"nunca jamás sin ningún ninguna ninguno nadie nada tampoco " +
	"não nem nenhum nenhuma sem " +
	"mai senza nessun nessuno nessuna né " +
	"niet geen nooit zonder niemand ikke ingen aldri uden uten inte aldrig utan inga inget ei " +
	"nie bez żaden не нет ни без никогда никто ничего " +
	"değil yok hiç asla hayır onsuz żadna żadnego żadnej nigdy nikt nic ani " +
	"不 没 沒 無 无 非 未 لا لم لن ليس ليست غير بدون دون नहीं न बिना मत לא אין בלי אינו אינה אל δεν μη χωρίς")

// numberOf returns the figures of a number, written in figures of any script or
// as a word; empty for other words. One is an article in too many languages to
// count.
func numberOf(word string) string {
	for i, r := range word {
		if unicode.IsDigit(r) {
			if word[0] < 0x80 && i == 0 && isASCII(word) {
				return word
			}
			return strings.Map(plainDigit, word)
		}
	}
	if figures, small := numberWords[word]; small {
		return figures
	}
	return tens[word]
}

// plainDigit returns the ASCII digit of a decimal digit of any script, and every
// other character as it is. The digits of a script follow each other, from a
// zero whose place in its block is known by counting down.
func plainDigit(r rune) rune {
	if r < 0x80 || !unicode.IsDigit(r) {
		return r
	}
	n := rune(0)
	for n < 9 && unicode.IsDigit(r-n-1) {
		n++
	}
	return '0' + n
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

var numberWords = numbersOf(
	"two zwei deux dos dois duas due twee dwa dwie dwóch dwoje iki اثنان اثنين שני שתי שניים שתיים दो",
	"three drei trois tres três tre drie trzy trzech üç ثلاثة ثلاث שלוש שלושה שלושת तीन",
	"four vier quatre cuatro quatro quattro cztery czterech dört اربعة اربع ארבע ארבעה चार",
	"five fünf cinq cinco cinque vijf pięć pięciu beş خمسة خمس חמש חמישה पाँच पांच",
	"six sechs seis sei zes sześć sześciu altı alti ستة ست שש שישה छह छः",
	"seven sieben sept siete sete sette zeven siedem siedmiu yedi سبعة سبع שבע שבעה सात",
	"eight acht huit ocho oito otto osiem ośmiu sekiz ثمانية ثماني שמונה आठ",
	"nine neun neuf nueve nove negen dziewięć dziewięciu dokuz تسعة تسع תשע תשעה नौ",
	"ten zehn dix diez dez dieci tien dziesięć dziesięciu عشرة عشر עשר עשרה दस",
	"eleven elf onze once undici jedenaście jedenastu ग्यारह",
	"twelve zwölf douze doce doze dodici twaalf dwanaście dwunastu बारह",
)

// tens are the words for twenty, thirty and so on up to a hundred.
var tens = tensOf(
	"twenty zwanzig vingt veinte vinte venti twintig dwadzieścia yirmi عشرون عشرين עשרים बीस",
	"thirty dreißig dreissig trente treinta trinta trenta dertig trzydzieści otuz ثلاثون ثلاثين שלושים तीस",
	"forty vierzig quarante cuarenta quarenta quaranta veertig czterdzieści kirk اربعون اربعين ארבעים चालीस",
	"fifty fünfzig cinquante cincuenta cinquenta cinquanta vijftig pięćdziesiąt elli خمسون خمسين חמישים पचास",
	"sixty sechzig soixante sesenta sessenta sessanta zestig sześćdziesiąt altmiş ستون ستين שישים साठ",
	"seventy siebzig setenta settanta zeventig siedemdziesiąt yetmiş سبعون سبعين שבעים सत्तर",
	"eighty achtzig ochenta oitenta ottanta tachtig osiemdziesiąt seksen ثمانون ثمانين שמונים अस्सी",
	"ninety neunzig noventa novanta negentig dziewięćdziesiąt doksan تسعون تسعين תשעים नब्बे",
	"hundred hundert cent cien cem cento honderd sto yüz مائة مئة מאה सौ",
)

func tensOf(names ...string) map[string]string {
	figures := map[string]string{}
	for i, of := range names {
		for name := range setOf(of) {
			figures[name] = strconv.Itoa(10 * (i + 2))
		}
	}
	return figures
}

// numbersOf maps the words for two, three and so on to their figures.
func numbersOf(names ...string) map[string]string {
	figures := map[string]string{}
	for i, of := range names {
		for name := range setOf(of) {
			figures[name] = strconv.Itoa(i + 2)
		}
	}
	return figures
}

// days are the names that date a column, where they stand without a capital or
// at the beginning.
var days = setOf("monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december " +
	"today tomorrow yesterday tonight morning evening weekend heute morgen gestern abend wochenende " +
	"montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar februar märz mai juni juli oktober dezember " +
	"lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin juillet août septembre octobre novembre décembre " +
	"lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre " +
	"segunda terça quarta quinta sexta janeiro fevereiro março maio junho julho setembro outubro novembro dezembro hoje amanhã ontem " +
	"lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre " +
	"maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart mei augustus vandaag morgen gisteren " +
	"poniedziałek wtorek środa środę czwartek piątek sobota sobotę niedziela niedzielę dziś jutro wczoraj styczeń stycznia styczniu luty lutego lutym marzec marca marcu " +
	"kwiecień kwietnia kwietniu maj maja maju czerwiec czerwca czerwcu lipiec lipca lipcu sierpień sierpnia sierpniu wrzesień września wrześniu październik października październiku " +
	"listopad listopada listopadzie grudzień grudnia grudniu " +
	"pazartesi sali çarşamba perşembe cuma cumartesi pazar bugün yarin dün ocak şubat mart nisan mayis haziran temmuz ağustos eylül ekim kasim aralik " +
	"الاثنين الثلاثاء الاربعاء الخميس الجمعة السبت الاحد اليوم غدا امس يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر " +
	"ראשון שלישי רביעי חמישי שישי שבת היום מחר אתמול ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר " +
	"सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार आज कल जनवरी फ़रवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर सितम्बर अक्टूबर नवंबर दिसंबर")
